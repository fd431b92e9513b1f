"""A first look at data sets that stand on the disk, each in its real layout: what is shown, and what is counted."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import lmdb
import numpy as np
import pytest
from PIL import Image

from packing.layouts.base import DatasetFiles
from packing.layouts.cifar import CLASSES as CIFAR
from packing.layouts.cifar import batches
from packing.layouts.cifar_flat import CLASSES as CIFAR_FLAT
from packing.layouts.idx import DIGITS
from packing.lmdb import Database
from packing.preview_scan import survey
from tests.trainers.data import formats

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = Path("packing/builtin/mnist10k/MNIST/raw")


def look(tmp_path, layout, folder, shape, classes=()):
    """Return the sheet as (rows, columns, cell, cell, 3), the cell's side, and the counts."""
    facts = survey(DatasetFiles(layout, folder, shape, classes), tmp_path / "preview.png")
    with Image.open(tmp_path / "preview.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    cell = min(*shape[1:], 64)
    rows, columns = sheet.shape[0] // cell, sheet.shape[1] // cell
    return sheet.reshape(rows, cell, columns, cell, 3).swapaxes(1, 2), facts["class_counts"]


def empty(cells):
    """Return which cells nothing was put into."""
    return (cells == 255).all(axis=(-1, -2, -3))


def write_idx(folder, pictures, labels=None):
    """Write both parts: the second is the first picture and its label again."""
    folder.mkdir()
    for part, count in (("train", len(pictures)), ("t10k", 1)):
        head = struct.pack(">IIII", 0x803, count, *pictures.shape[1:3])
        (folder / f"{part}-images-idx3-ubyte").write_bytes(head + pictures[:count].tobytes())
        if labels is not None:
            content = struct.pack(">II", 0x801, count) + bytes(labels[:count])
            (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))


def test_the_built_in_digits_are_shown_a_row_for_each_class(tmp_path):
    cells, counts = look(tmp_path, "idx", BUILT_IN, (1, 28, 28), DIGITS)
    assert cells.shape[:2] == (10, 10)
    assert counts == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    ink = cells[..., 0].mean(axis=(1, 2, 3))
    assert ink[1] < ink[0], "ones take less ink than noughts"
    assert not empty(cells).any()


def test_idx_files_show_each_picture_in_the_row_of_its_class(tmp_path):
    pictures = formats.pixels(40, 12, 12, channels=1)[..., 0]
    write_idx(tmp_path / "set", pictures, [n % 3 for n in range(40)])
    cells, counts = look(tmp_path, "idx", tmp_path / "set", (1, 12, 12), ("a", "b", "c"))
    assert cells.shape[:2] == (6, 8)  # two rows of eight each: the fewest rows that make a sheet of eight
    assert counts == [15, 13, 13]
    for label in range(3):
        row = cells[2 * label : 2 * label + 2].reshape(16, 12, 12, 3)[..., 0]
        assert [picture.tolist() for picture in row[:13]] == pictures[label::3][:13].tolist()


def test_many_pictures_are_shown_by_some_from_all_over(tmp_path):
    pictures = formats.pixels(640, 12, 12, channels=1)[..., 0]
    write_idx(tmp_path / "set", pictures)
    cells, _ = look(tmp_path, "idx", tmp_path / "set", (1, 12, 12))
    assert cells.reshape(64, 12, 12, 3)[..., 0].tolist() == pictures[::10].tolist()


def test_idx_files_without_classes_are_shown_all_together(tmp_path):
    write_idx(tmp_path / "set", formats.pixels(20, 12, 12, channels=1)[..., 0])
    cells, counts = look(tmp_path, "idx", tmp_path / "set", (1, 12, 12))
    assert (cells.shape[:2], counts) == ((8, 8), None)
    assert empty(cells).sum() == 64 - 20


def test_cifars_own_batches_are_read_without_running_what_they_say(tmp_path):
    train = formats.pixels(50, 32, 32, seed=1)
    formats.write_cifar(tmp_path / "set", train, formats.pixels(6, 32, 32, seed=2))
    cells, counts = look(tmp_path, "cifar", tmp_path / "set", (3, 32, 32), CIFAR)
    assert cells.shape[:2] == (10, 10)
    labels = [n * 3 % 10 for n in range(50)]
    assert counts == [labels.count(n) + [0, 7, 4, 1, 8, 5].count(n) for n in range(10)]
    in_batches = [n for first in range(5) for n in range(first, 50, 5)]
    of_class_3 = [n for n in in_batches if labels[n] == 3]
    assert cells[3][: len(of_class_3)].tolist() == train[of_class_3].tolist()


def test_batches_of_the_first_numpy_are_read_too(tmp_path):
    """As the author packed them: by Python 2, with keys and arrays in bytes."""
    formats.write_cifar(tmp_path / "set", formats.pixels(5, 32, 32), formats.pixels(5, 32, 32))
    content = bytes(range(256)) * 12
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR"
    dtype = b"cnumpy\ndtype\n(U\x02u1I0\nI1\ntR"
    state = b"(I1\n(I1\nI3072\nt" + dtype + b"I00\nT" + struct.pack("<I", len(content)) + content + b"tb"
    batch = b"\x80\x02}(U\x04data" + array + state + b"U\x06labels](I7\neu."
    (tmp_path / "set" / "test_batch").write_bytes(batch)
    (found,) = batches(tmp_path / "set")["test"]
    assert (found.pixels, found.labels) == (content, [7])


def test_a_batch_of_a_length_that_no_machine_has_room_for_is_damaged(tmp_path):
    pictures = np.ascontiguousarray(formats.pixels(5, 32, 32))
    formats.write_cifar(tmp_path / "set", pictures, pictures[:5])
    (tmp_path / "set" / "data_batch_3").write_bytes(b"\x80\x05\x96" + b"\xff" * 8 + b".")
    with pytest.raises(ValueError, match="data_batch_3 is no batch of CIFAR-10"):
        look(tmp_path, "cifar", tmp_path / "set", (3, 32, 32), CIFAR)


def test_a_batch_that_would_run_something_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    formats.write_cifar(tmp_path / "set", formats.pixels(20, 32, 32), formats.pixels(5, 32, 32))
    (tmp_path / "set" / "data_batch_3").write_bytes(pickle.dumps({"data": Harm(), "labels": []}, protocol=2))
    with pytest.raises(ValueError, match=r"data_batch_3 is no batch of CIFAR-10 \(posix\.mkdir has no place"):
        look(tmp_path, "cifar", tmp_path / "set", (3, 32, 32), CIFAR)
    assert not (tmp_path / "harm").exists()


def test_a_flat_folder_tells_the_classes_by_its_names(tmp_path):
    names = [f"{n}_{CIFAR[n % 10]}.png" for n in range(30)]
    formats.write_pictures(tmp_path / "set" / "train", names, formats.pixels(30, 32, 32, seed=1))
    formats.write_pictures(tmp_path / "set" / "test", names[:3], formats.pixels(3, 32, 32, seed=2))
    cells, counts = look(tmp_path, "cifar-flat", tmp_path / "set", (3, 32, 32), CIFAR_FLAT)
    assert counts == [4, 4, 4, 3, 3, 3, 3, 3, 3, 3]
    assert (~empty(cells)).sum(axis=1).tolist() == [3] * 10


def test_celeba_shows_what_is_for_training(tmp_path):
    faces = formats.flat(9, 218, 178)
    formats.write_celeba(tmp_path / "celeba", faces, [0, 0, 0, 2, 2, 1, 1, 0, 0])
    cells, counts = look(tmp_path, "celeba", tmp_path / "celeba", (3, 218, 178))
    assert (cells.shape, counts) == ((8, 8, 64, 64, 3), None)
    shown = [n for n in range(64) if not empty(cells).ravel()[n]]
    assert shown == [0, 1, 2, 3, 4]
    middles = cells.reshape(64, 64, 64, 3)[:5, 32, 32].astype(int)
    assert abs(middles - faces[[0, 1, 2, 7, 8], 0, 0].astype(int)).max() <= 3


def test_a_database_shows_pictures_from_all_over_it(tmp_path):
    pictures = formats.pixels(300, 8, 8, seed=3)
    folder = tmp_path / "lsun" / "bedroom_train_lmdb"
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 26) as database, database.begin(write=True) as writer:
        for n, picture in enumerate(pictures):
            writer.put(b"%040d" % n, formats.encoded(picture, "png"))
    with Database(folder / "data.mdb") as found:
        assert found.entries == 300
        assert found.depth > 1, "a database of one page shows nothing"
        values = [found.near((n + 0.5) / 64) for n in range(64)]
    order = [formats.encoded(picture, "png") for picture in pictures]
    places = [order.index(value) for value in values]
    assert places == sorted(set(places))
    assert max(abs(place - n * 300 / 64) for n, place in enumerate(places)) < 40
    cells, counts = look(tmp_path, "lsun-lmdb", tmp_path / "lsun", (3, 256, 256))
    assert (cells.shape[:2], counts) == ((8, 8), None)
    assert not empty(cells).any()


def test_large_values_stand_on_pages_of_their_own_and_are_found(tmp_path):
    pictures = formats.pixels(8, 64, 64, seed=3)
    formats.write_lsun(tmp_path / "db", pictures)
    order = [formats.encoded(pictures[n], "webp") for n in formats.lsun_order(8)]
    with Database(tmp_path / "db" / "data.mdb") as found:
        assert [found.near((n + 0.5) / 8) for n in range(8)] == order
        assert len(order[0]) > 4096


def test_a_database_of_any_size_is_looked_at_within_the_packers_memory(tmp_path):
    path = tmp_path / "lsun" / "bedroom_train_lmdb" / "data.mdb"
    formats.write_lsun(path.parent, formats.pixels(80, 64, 64, seed=3))
    os.truncate(path, 50 << 30)  # as large as the real one; what is not written takes no room
    shape = {"layout": "lsun-lmdb", "folder": str(tmp_path / "lsun"), "shape": [3, 256, 256], "classes": []}
    order = json.dumps({"standing": shape, "preview": str(tmp_path / "preview.png")}) + "\n"
    with subprocess.Popen([sys.executable, "-m", "packing"], stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as packer:
        assert packer.stdin is not None
        assert packer.stdout is not None
        packer.stdin.write(order)
        packer.stdin.flush()
        assert json.loads(packer.stdout.readline())["type"] == "done"
    with Image.open(tmp_path / "preview.png") as sheet:
        assert sheet.size == (512, 512)


def test_a_database_that_is_cut_off_or_none_is_said_to_be_so(tmp_path):
    formats.write_lsun(tmp_path / "db", formats.pixels(8, 64, 64, seed=3))
    path = tmp_path / "db" / "data.mdb"
    whole = path.read_bytes()
    for content, complaint in ((whole[:8192], "ends before its pages do"), (b"text" * 4096, "not a database of LMDB")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=complaint), Database(path) as found:
            found.near(0.5)


@pytest.mark.parametrize(
    ("place", "number", "complaint"),
    [
        (120, 1 << 63, "too short for 9,223,372,036,854,775,808 entries"),  # how many there are
        (120, 1 << 40, "too short for"),
        (128, 1 << 62, "ends before its pages do"),  # where the first page is
    ],
)
def test_numbers_that_a_database_cannot_have_are_damage(tmp_path, place, number, complaint):
    path = tmp_path / "lsun" / "bedroom_train_lmdb" / "data.mdb"
    formats.write_lsun(path.parent, formats.pixels(8, 64, 64, seed=3))
    whole = bytearray(path.read_bytes())
    for page in (0, 4096):
        whole[page + place : page + place + 8] = number.to_bytes(8, "little")
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=complaint):
        look(tmp_path, "lsun-lmdb", tmp_path / "lsun", (3, 256, 256))


def test_a_value_that_would_fill_the_memory_is_not_read(tmp_path):
    path = tmp_path / "db" / "data.mdb"
    formats.write_lsun(path.parent, formats.pixels(8, 64, 64, seed=3))
    os.truncate(path, 1 << 32)
    with Database(path) as found, pytest.raises(ValueError, match="a value of more than 64 MB"):
        found._part(0, 1 << 31)


def test_a_folder_is_shown_and_its_damaged_pictures_left_out(tmp_path):
    names = ["0/1/b.jpg", "0/2/a.png", "1/c.webp", "d.bmp"]
    formats.write_pictures(tmp_path / "bedroom", names, formats.flat(4, 64, 64))
    (tmp_path / "bedroom/0/2/a.png").write_bytes(b"text")
    cells, counts = look(tmp_path, "folder", tmp_path / "bedroom", (3, 256, 256))
    assert ((~empty(cells)).sum(), counts) == (3, None)
    for name in names:
        (tmp_path / "bedroom" / name).write_bytes(b"text")
    with pytest.raises(ValueError, match=r"no picture of it can be shown: .* is not a PNG"):
        look(tmp_path, "folder", tmp_path / "bedroom", (3, 256, 256))


def test_two_domains_are_shown_one_above_the_other(tmp_path):
    for part, count in (("trainA", 40), ("trainB", 6), ("testA", 2)):
        pictures = formats.pixels(count, 64, 64, seed=count)
        formats.write_pictures(tmp_path / "pair" / part, [f"n{n:02d}.png" for n in range(count)], pictures)
    cells, counts = look(tmp_path, "domains", tmp_path / "pair", (3, 256, 256))
    assert ((~empty(cells)).sum(axis=1).tolist(), counts) == ([8, 8, 8, 8, 6, 0, 0, 0], None)
    assert cells[4][0].tolist() == formats.pixels(6, 64, 64, seed=6)[0].tolist()


@pytest.mark.parametrize("damage", ["cut", "other", "few", "class"])
def test_damaged_idx_files_are_said_to_be_so(tmp_path, damage):
    write_idx(tmp_path / "set", formats.pixels(20, 12, 12, channels=1)[..., 0], [n % 3 for n in range(20)])
    pictures, labels = (tmp_path / "set" / f"train-{name}" for name in ("images-idx3-ubyte", "labels-idx1-ubyte.gz"))
    content = {
        "cut": (pictures, pictures.read_bytes()[:-1]),
        "other": (pictures, b"text"),
        "few": (labels, gzip.compress(struct.pack(">II", 0x801, 3) + b"\0\1\2")),
        "class": (labels, gzip.compress(struct.pack(">II", 0x801, 20) + bytes(range(20)))),
    }
    path, broken = content[damage]
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"cut off|not an IDX file|classes of 3|none of its 3 classes"):
        look(tmp_path, "idx", tmp_path / "set", (1, 12, 12), ("a", "b", "c"))
