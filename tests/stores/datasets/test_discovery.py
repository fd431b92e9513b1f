"""What stands below the data roots becomes rows, counted without a look into pictures."""

from __future__ import annotations

import os
import shutil
import struct
import time

import pytest

from models.wire import DatasetSpec
from packing import lmdb as reader
from packing.layouts import cifar
from stores.datasets import discovery

PNG = b"\x89PNG\r\n\x1a\n"


def touch(folder, *names, content=PNG):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)


def row(stores, name):
    found_row = stores.datasets.find(name, None)
    assert found_row is not None, f"{name} was not found"
    return found_row


def facts(stores, name):
    told = row(stores, name)
    return told["source"], told["layout"], told["parts"], told["images"], told["state"]


def write_lmdb(path, entries, older=3):
    """The two meta pages of a database: the second one is the newer."""
    pages = []
    for transaction, count in ((4, older), (5, entries)):
        page = bytearray(4096)
        struct.pack_into("<I", page, 16, 0xBEEFC0DE)
        struct.pack_into("<I", page, 40, 4096)
        struct.pack_into("<Q", page, 120, count)
        struct.pack_into("<Q", page, 144, transaction)
        pages.append(bytes(page))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(pages))
    os.truncate(path, max(8192, 8 * entries))  # no entry is smaller, so no real file is


def test_cifar_10_is_found_in_its_own_batches(stores, tmp_path):
    touch(tmp_path / "cifar-10-batches-py", *cifar.CHECKSUMS)
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "cifar-10") == ("found", "cifar", {"train": 50_000, "test": 10_000}, 60_000, "ready")
    told = row(stores, "cifar-10")
    assert (told["shape"], told["classes"][:2]) == ([3, 32, 32], ["airplane", "automobile"])
    assert (told["bytes"], len(told["sha256"])) == (8 * 7, 64)


@pytest.mark.parametrize("name", ["cifar", "cifar10", "cifar-10"])
def test_cifar_10_is_found_as_a_flat_folder(stores, tmp_path, name):
    touch(tmp_path / name / "train", "1_automobile.png", "2_frog.png", "3_ship.png")
    touch(tmp_path / name / "test", "1_cat.png")
    touch(tmp_path / name, "labels.txt")
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "cifar-10") == ("found", "cifar-flat", {"train": 3, "test": 1}, 4, "ready")
    assert row(stores, "cifar-10")["classes"][:2] == ["plane", "car"]


def test_of_two_layouts_the_first_is_taken_and_a_change_is_noticed(stores, tmp_path):
    touch(tmp_path / "cifar", "1_automobile.png")
    touch(tmp_path / "cifar-10-batches-py", *cifar.CHECKSUMS)
    stores.datasets.register_known([tmp_path])
    before = row(stores, "cifar-10")
    shutil.rmtree(tmp_path / "cifar-10-batches-py")
    stores.datasets.register_known([tmp_path])
    after = row(stores, "cifar-10")
    assert (before["layout"], after["layout"], after["parts"]) == ("cifar", "cifar-flat", {"train": 1})
    assert before["id"] == after["id"]


IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.mark.parametrize(
    "names",
    [IDX, [f"{name}.gz" for name in IDX], [name.replace("-idx", ".idx") for name in IDX], [f"{IDX[0]}.gz", *IDX[1:]]],
)
def test_mnist_is_found_under_the_names_that_are_read(stores, tmp_path, names):
    touch(tmp_path / "mnist", *names, "emnist-train-images-idx3-ubyte", "train-images-idx3-ubyte.gz.part")
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "mnist")[1:] == ("idx", {"train": 60_000, "test": 10_000}, 70_000, "ready")
    assert row(stores, "mnist")["bytes"] == 8 * 4, "others do not belong to it"


@pytest.mark.parametrize(
    "names",
    [
        IDX[:3],
        [f"{IDX[0]}.part", *IDX[1:]],
        [f"{IDX[0]}.gz.part", *IDX[1:]],
        [f"{name}.crdownload" for name in IDX],
        [f"emnist-digits-{name}" for name in IDX],
        [f"{name} (1)" for name in IDX],
        [f"._{name}" for name in IDX],
        ["a-ubyte", "b-ubyte", "c-ubyte", "d-ubyte"],
    ],
)
def test_files_of_other_names_are_no_mnist(stores, tmp_path, names):
    for folder in ("mnist", "MNIST/raw", "fashion-mnist"):
        touch(tmp_path / folder, *names)
    stores.datasets.register_known([tmp_path])
    assert stores.datasets.names(None) == ["mnist-10k"]


def test_hidden_folders_and_thumbnails_are_no_pictures_of_a_found_set(stores, tmp_path):
    for part in ("trainA", "trainB"):
        touch(tmp_path / "pair" / part, "1.jpg", "2.HEIC", "._1.jpg", "Thumbs.db", "a.gif")
        for junk in (".thumbnails", "@eaDir/1.jpg", "__MACOSX", ".git", "$RECYCLE.BIN"):
            touch(tmp_path / "pair" / part / junk, "x.jpg")
    for junk in (".hidden", "__MACOSX", "@eaDir", "lost+found"):
        touch(tmp_path / junk / "trainA", "1.jpg")
        touch(tmp_path / junk / "trainB", "1.jpg")
    for junk in ("__MACOSX", ".thumbnails"):
        touch(tmp_path / "bedroom" / junk, "1.jpg")
        touch(tmp_path / "horse2zebra" / junk / "trainA", "1.jpg")
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "pair") == ("found", "domains", {"trainA": 2, "trainB": 2}, 4, "ready")
    assert stores.datasets.names(None) == ["mnist-10k", "pair"]


def test_linked_folders_of_a_found_set_count_once(stores, tmp_path):
    touch(tmp_path / "disk" / "a", "1.jpg", "2.jpg")
    touch(tmp_path / "roots" / "bedroom", "3.jpg")
    (tmp_path / "roots" / "bedroom" / "one").symlink_to(tmp_path / "disk" / "a")
    (tmp_path / "roots" / "bedroom" / "two").symlink_to(tmp_path / "disk" / "a")
    (tmp_path / "disk" / "a" / "up").symlink_to(tmp_path / "roots" / "bedroom")
    stores.datasets.register_known([tmp_path / "roots"])
    assert facts(stores, "lsun-bedroom") == ("found", "folder", {"train": 3}, 3, "ready")


def test_celeba_is_counted_by_its_list(stores, tmp_path):
    touch(tmp_path / "celeba" / "img_align_celeba", "000001.jpg", "000002.jpg")
    lines = "".join(f"{n:06d}.jpg {split}\n" for n, split in enumerate([0, 0, 0, 1, 2]))
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text(lines)
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "celeba") == ("found", "celeba", {"train": 3, "test": 2}, 5, "ready")
    assert row(stores, "celeba")["shape"] == [3, 218, 178]
    assert row(stores, "celeba")["bytes"] == 16 + len(lines)


@pytest.mark.parametrize("folder", [".", "lsun", "lsun-bedroom"])
def test_lsun_is_counted_by_the_newer_page_of_its_database(stores, tmp_path, folder):
    write_lmdb(tmp_path / folder / "bedroom_train_lmdb" / "data.mdb", 3_033_042)
    write_lmdb(tmp_path / folder / "bedroom_val_lmdb" / "data.mdb", 300)
    stores.datasets.register_known([tmp_path])
    parts = {"train": 3_033_042, "test": 300}
    assert facts(stores, "lsun-bedroom") == ("found", "lsun-lmdb", parts, 3_033_342, "ready")


def test_a_real_database_is_counted_as_its_library_counts_it(tmp_path):
    import lmdb

    with lmdb.open(str(tmp_path), map_size=1 << 24) as database:
        for n in range(700):
            with database.begin(write=True) as writer:
                writer.put(b"%d" % n, bytes(5000))
            assert reader.entries_in(tmp_path / "data.mdb") == database.stat()["entries"] == n + 1


@pytest.mark.parametrize("folder", ["lsun-bedroom", "lsun/bedroom", "data0/lsun/bedroom", "bedroom"])
def test_a_sample_of_lsun_is_found_as_a_folder_and_counted(stores, tmp_path, folder):
    for n in range(3):
        touch(tmp_path / folder / f"{n}" / "a", "x.jpg", "y.JPG", "notes.txt", ".hidden.jpg")
    stores.datasets.register_known([tmp_path])
    assert facts(stores, "lsun-bedroom") == ("found", "folder", {"train": 6}, 6, "ready")


def test_horse2zebra_and_any_other_pair_are_found(stores, tmp_path):
    for name, tests in (("horse2zebra", True), ("apple2orange", False)):
        touch(tmp_path / name / "trainA", "1.jpg", "2.jpg")
        touch(tmp_path / name / "trainB", "1.jpg")
        if tests:
            touch(tmp_path / name / "testA", "1.jpg")
            touch(tmp_path / name / "testB", "1.jpg")
    stores.datasets.register_known([tmp_path])
    parts = {"trainA": 2, "trainB": 1}
    assert facts(stores, "apple2orange") == ("found", "domains", parts, 3, "ready")
    assert facts(stores, "horse2zebra") == ("found", "domains", {**parts, "testA": 1, "testB": 1}, 5, "ready")


def test_a_pair_whose_name_cannot_be_asked_for_or_is_taken_stays_out(stores, tmp_path):
    for name in ("two words", "mnist", "empty"):
        touch(tmp_path / name / "trainA", "1.jpg")
        touch(tmp_path / name / "trainB", *(["1.jpg"] if name != "empty" else []))
    stores.datasets.register_known([tmp_path])
    assert stores.datasets.names(None) == ["mnist-10k"]


def test_what_is_gone_is_missing_and_what_is_back_is_ready(stores, tmp_path):
    touch(tmp_path / "cifar", "1_automobile.png")
    stores.datasets.register_known([tmp_path])
    stores.datasets.register_known([tmp_path / "elsewhere"])
    assert row(stores, "cifar-10")["state"] == "missing"
    assert row(stores, "mnist-10k")["state"] == "ready"
    stores.datasets.register_known([tmp_path])
    assert row(stores, "cifar-10")["state"] == "ready"


def test_the_first_root_that_has_it_wins(stores, tmp_path):
    touch(tmp_path / "a" / "cifar", "1_automobile.png")
    touch(tmp_path / "b" / "cifar", "1_automobile.png", "2_frog.png")
    stores.datasets.register_known([tmp_path / "none", tmp_path / "b", tmp_path / "a"])
    assert row(stores, "cifar-10")["parts"] == {"train": 2}


def test_damaged_lists_keep_no_service_from_starting(stores, tmp_path):
    touch(tmp_path / "celeba" / "img_align_celeba", "000001.jpg")
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text("<html>404</html>\n")
    touch(tmp_path / "lsun" / "bedroom_train_lmdb", "data.mdb", content=b"no database")
    stores.datasets.register_known([tmp_path])
    assert stores.datasets.names(None) == ["mnist-10k"]


def test_a_link_that_leads_nowhere_counts_and_a_linked_root_is_followed(stores, tmp_path):
    touch(tmp_path / "real" / "train", "1_automobile.png")
    (tmp_path / "real" / "train" / "2_frog.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "cifar").symlink_to(tmp_path / "real")
    stores.datasets.register_known([tmp_path / "roots"])
    told = row(stores, "cifar-10")
    assert (told["parts"], told["bytes"], told["state"]) == ({"train": 2}, 8, "ready")


def test_large_sets_are_registered_without_a_checksum_and_at_once(stores, tmp_path):
    (tmp_path / "bedroom").mkdir()
    with (tmp_path / "bedroom" / "a.jpg").open("wb") as sparse:
        sparse.truncate(200 << 30)
    begin = time.monotonic()
    stores.datasets.register_known([tmp_path])
    assert time.monotonic() - begin < 20  # a checksum of so much takes minutes
    told = row(stores, "lsun-bedroom")
    assert (told["sha256"], told["bytes"]) == (None, 200 << 30)


def test_the_trainer_is_told_the_rows_facts_and_this_machines_folder(stores, tmp_path):
    touch(tmp_path / "here" / "cifar10", "1_automobile.png", "2_frog.png")
    stores.datasets.register_known([tmp_path / "here"])
    told = row(stores, "cifar-10")
    spec = discovery.dataset_spec(told, [tmp_path / "none", tmp_path / "here"])
    assert spec == DatasetSpec(
        name="cifar-10",
        source="found",
        layout="cifar-flat",
        folder="cifar10",
        shape=(3, 32, 32),
        classes=tuple(told["classes"]),
        parts={"train": 2},
        path=None,
    )
    there = tmp_path / "there"
    shutil.move(tmp_path / "here" / "cifar10", there / "cifar")
    assert discovery.dataset_spec(told, [there]).folder == "cifar"
    assert discovery.dataset_spec(told, []).folder == "cifar", "the trainer says where it looked"


def test_the_trainer_is_told_the_folder_of_a_pair_and_of_the_built_in_digits(stores, tmp_path):
    touch(tmp_path / "apple2orange" / "trainA", "1.jpg")
    touch(tmp_path / "apple2orange" / "trainB", "1.jpg")
    stores.datasets.register_known([tmp_path])
    spec = discovery.dataset_spec(row(stores, "apple2orange"), [tmp_path])
    assert (spec.layout, spec.folder) == ("domains", "apple2orange")
    spec = discovery.dataset_spec(row(stores, "mnist-10k"), [tmp_path])
    assert (spec.layout, spec.folder, spec.source) == ("idx", "mnist10k/MNIST/raw", "builtin")
