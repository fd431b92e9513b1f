"""Each found data set in its real layout: the pixels that come out are the pixels that went in."""

from __future__ import annotations

import stat

import pytest
import torch

from tests.api.uploads.archives import picture
from tests.packing.trees import HEIC, laid_out
from tests.trainers.data import formats


def exactly(images, pictures):
    return torch.equal(images.pixels, torch.from_numpy(formats.planar(pictures).copy()))


def nearly(images, pictures, steps):
    wanted = torch.from_numpy(formats.planar(pictures).copy()).int()
    return images.pixels.shape == wanted.shape and (images.pixels.int() - wanted).abs().max() <= steps


def test_cifar_10_is_read_from_its_own_batches(cifar_set, load):
    parts = load(cifar_set, 32)
    train = formats.pixels(20, 32, 32, seed=1)
    in_batches = [n for first in range(5) for n in range(first, 20, 5)]
    assert exactly(parts["train"], train[in_batches])
    assert parts["train"].labels.tolist() == [n * 3 % 10 for n in in_batches]
    assert exactly(parts["test"], formats.pixels(6, 32, 32, seed=2))
    assert parts["test"].labels.tolist() == [0, 7, 4, 1, 8, 5]


def test_cifar_10_is_read_from_a_flat_folder_with_the_courses_names(flat_set, load):
    parts = load(flat_set, 32)
    assert exactly(parts["train"], formats.pixels(10, 32, 32, seed=1))
    assert [flat_set.classes[label] for label in parts["train"].labels] == list(flat_set.classes)
    assert flat_set.classes[:3] == ("plane", "car", "bird")
    assert exactly(parts["test"], formats.pixels(3, 32, 32, seed=2))
    assert parts["test"].labels.tolist() == [0, 1, 2]


def test_a_flat_folder_without_parts_is_all_for_training(root, flat_set, load):
    names = ["7_automobile.png", "8_frog.png"]
    formats.write_pictures(root / "one", names, formats.pixels(2, 32, 32))
    parts = load(flat_set.__class__(**{**vars(flat_set), "folder": "one", "parts": {"train": 2}}), 32)
    assert list(parts) == ["train"]
    assert [flat_set.classes[label] for label in parts["train"].labels] == ["car", "frog"]


def test_celeba_is_cut_to_the_middle_and_split_as_its_list_says(celeba_set, load):
    parts = load(celeba_set, 178)
    faces = formats.flat(9, 178, 178)
    assert nearly(parts["train"], faces[[0, 1, 2, 7, 8]], 2)
    assert nearly(parts["test"], faces[[5, 6, 3, 4]], 2)
    assert parts["train"].labels is None


def test_lsun_is_read_from_its_database_in_the_order_of_keys(root, lsun_set, load):
    before = [(path, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()]
    parts = load(lsun_set, 64)
    order = formats.lsun_order(8)
    assert order != sorted(order)
    assert exactly(parts["train"], formats.pixels(8, 64, 64, seed=3)[order])
    assert exactly(parts["test"], formats.pixels(2, 64, 64, seed=4)[formats.lsun_order(2)])
    after = [(path, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()]
    assert after == before, "a data root is only read"


def test_lsun_is_read_from_a_database_that_nobody_may_write(root, lsun_set, load):
    for path in sorted(root.rglob("*"), reverse=True):
        path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
    try:
        assert len(load(lsun_set, 64)["train"].pixels) == 8
    finally:
        for path in sorted(root.rglob("*")):
            path.chmod(0o755)


def test_a_folder_is_read_at_any_depth_in_the_order_of_names(folder_set, load):
    parts = load(folder_set, 64)
    assert nearly(parts["train"], formats.flat(4, 64, 64), 2)
    assert torch.equal(parts["train"].pixels[1], torch.from_numpy(formats.planar(formats.flat(4, 64, 64)).copy())[1])


def test_domains_keep_their_parts_apart(pair_set, load):
    parts = load(pair_set, 64)
    assert list(parts) == ["trainA", "trainB", "testA"]
    for part, count in (("trainA", 5), ("trainB", 6), ("testA", 2)):
        assert exactly(parts[part], formats.pixels(count, 64, 64, seed=count))


@pytest.mark.parametrize("name", ["cifar_set", "flat_set", "celeba_set", "lsun_set", "folder_set", "pair_set"])
def test_reading_again_gives_the_same_bytes(name, load, request):
    dataset = request.getfixturevalue(name)
    first, second = load(dataset, 48), load(dataset, 48)
    assert list(first) == list(second)
    for part, images in first.items():
        assert images.pixels.shape[1:] == (3, 48, 48)
        assert torch.equal(images.pixels, second[part].pixels)
        assert (images.labels is None) == (second[part].labels is None)


def test_pictures_of_phones_and_without_a_suffix_are_decoded_as_uploads_are(root, load):
    files = {"a.heic": HEIC, "b.avif": picture(2, (24, 16), kind="AVIF"), "c": picture(3, kind="JPEG")}
    laid_out(root / "bedroom", {**files, "d.gif": b"GIF89a", ".e.jpg": b"", "link/": b"", "@eaDir/f.jpg": b"x"})
    described = formats.described("lsun-bedroom", "folder", "bedroom", {"train": 3}, (3, 256, 256))
    pixels = load(described, 16)["train"].pixels.numpy()
    assert pixels.shape == (3, 3, 16, 16)
    red, blue = pixels[0][:, :, 2].mean(axis=1), pixels[0][:, :, 13].mean(axis=1)
    assert (red[0] > 150, red[2] < 90) == (True, True)
    assert (blue[2] > 150, blue[0] < 90) == (True, True)
