"""Whatever is wrong with a file, the error names it and says what to do, and the cache keeps nothing of it."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.trainers.data import formats
from trainers.process.errors import InvalidDatasetError


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    return path.name


def _emptied(path):
    path.write_bytes(b"")
    return path.name


def _text(path):
    path.write_text("<html>404 not found</html>")
    return path.name


def _gone(path):
    path.unlink()
    return path.name


FILES = [
    ("cifar_set", "cifar-10-batches-py/data_batch_3"),
    ("cifar_set", "cifar-10-batches-py/batches.meta"),
    ("flat_set", "cifar/train/4_deer.png"),
    ("celeba_set", "celeba/img_align_celeba/000004.jpg"),
    ("celeba_set", "celeba/list_eval_partition.txt"),
    ("celeba_set", "celeba/identity_CelebA.txt"),
    ("lsun_set", "lsun/bedroom_val_lmdb/data.mdb"),
    ("folder_set", "bedroom/0/1/b.jpg"),
    ("pair_set", "apple2orange/trainB/n03.png"),
]


@pytest.mark.parametrize("damage", [_cut, _emptied, _text])
@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_damaged_file_is_named_with_a_remedy(name, file, damage, root, load, request, prepared):
    dataset = request.getfixturevalue(name)
    path = root / file
    # A JPEG's first quarter is its tables; cutting the picture of one colour at three quarters cuts its pixels.
    damage(path)
    with pytest.raises(InvalidDatasetError) as refused:
        load(dataset, 48)
    assert str(path) in str(refused.value)
    assert "put " in str(refused.value)
    assert not prepared()
    assert not list((root.parent / "cache").rglob("*.part"))


@pytest.mark.parametrize(("name", "file"), FILES)
def test_a_missing_file_is_noticed(name, file, root, load, request, prepared):
    dataset = request.getfixturevalue(name)
    _gone(root / file)
    with pytest.raises(InvalidDatasetError):
        load(dataset, 48)
    assert not prepared()


def test_a_partial_celeba_says_how_many_are_missing(celeba_set, root, load):
    for name in ("000002.jpg", "000007.jpg"):
        (root / "celeba/img_align_celeba" / name).unlink()
    with pytest.raises(InvalidDatasetError, match=r"lacks 2 of 9 pictures of celeba, the first is 000002\.jpg"):
        load(celeba_set, 64)


def test_fewer_pictures_than_were_listed_are_told_by_part(pair_set, root, load):
    (root / "apple2orange/trainA/n00.png").unlink()
    with pytest.raises(
        InvalidDatasetError, match="has 4 trainA, 6 trainB, 2 testA pictures, but was registered with 5"
    ):
        load(pair_set, 64)


def test_a_batch_that_is_not_the_official_one_is_never_unpickled(cifar_set, root, load, monkeypatch):
    monkeypatch.undo()
    trap = root / "sprung"
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (root / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(_Trap(trap)))
    with pytest.raises(InvalidDatasetError, match="data_batch_1 is missing or not the official file"):
        load(cifar_set, 32)
    assert not trap.exists()
    pickle.loads((root / "cifar-10-batches-py/test_batch").read_bytes())  # noqa: S301 - to see that the trap works
    assert trap.exists()


class _Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_picture_that_claims_gigabytes_is_refused(folder_set, root, load, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 64 - 1)
    with pytest.raises(InvalidDatasetError, match=r"bedroom/0/1/b\.jpg .*DecompressionBombWarning"):
        load(folder_set, 48)


def test_a_picture_of_another_kind_is_refused(folder_set, root, load):
    Image.new("RGB", (64, 64)).save(root / "bedroom/d.bmp", "tiff")
    with pytest.raises(InvalidDatasetError, match=r"d\.bmp .*not a complete PNG, JPEG, WEBP, BMP, AVIF, HEIF picture"):
        load(folder_set, 48)


def test_a_link_that_leads_nowhere_is_named(folder_set, root, load):
    (root / "bedroom/d.bmp").unlink()
    (root / "bedroom/d.bmp").symlink_to(root / "gone.bmp")
    with pytest.raises(InvalidDatasetError, match=r"bedroom/d\.bmp is missing or not a complete"):
        load(folder_set, 48)


def test_a_flat_picture_without_a_class_is_refused(flat_set, root, load):
    shutil.move(root / "cifar/train/4_deer.png", root / "cifar/train/4_moose.png")
    with pytest.raises(
        InvalidDatasetError, match=r"4_moose\.png does not say its class; names end in one of plane, car"
    ):
        load(flat_set, 32)


def test_an_unknown_layout_names_those_that_are_read(root, load):
    dataset = formats.described("mine", "tape", ".", {"train": 1}, (3, 32, 32))
    with pytest.raises(InvalidDatasetError, match="layout 'tape'; this trainer reads celeba, cifar, cifar-flat"):
        load(dataset, 32)


def test_a_cache_without_room_is_told_before_it_is_filled(folder_set, load, root):
    with pytest.raises(Exception, match=r"needs 12582\.9 GB in .*prepared, and .* are free beside .*; make room there"):
        load(replace(folder_set, parts={"train": 1_000_000}), 2048)
    assert not list((root.parent / "cache").rglob("*.part"))
