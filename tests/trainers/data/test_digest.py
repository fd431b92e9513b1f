"""The digest of a data set: the same for the same files anywhere, another one as soon as an image or class differs."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import PIL
import pytest

from packing.packed import PackedWriter
from tests.trainers.attempts import write_digits
from tests.trainers.data import formats
from trainers import data
from trainers.data import packed


@pytest.fixture
def digest(root):
    def read(dataset, size, **more):
        return data.read(dataset, (root,), root.parent / "cache", size, **more).origin.digest

    return read


def _idx(root, digits, labels):
    shutil.rmtree(root / "MNIST", ignore_errors=True)
    write_digits(root / "MNIST/raw", digits[:6], digits[6:8], (labels[:6], labels[6:8]))
    return formats.described("mnist", "idx", "MNIST/raw", {"train": 6, "test": 2}, (1, 28, 28), classes=("0", "1"))


@pytest.mark.parametrize(("size", "frame"), [(28, True), (32, True), (32, False)])
def test_arrays_are_known_by_their_pixels_and_their_classes(root, digits, digest, size, frame):
    digits = digits[:8].copy()
    labels = digits[:, 0, 0] * 0
    before = digest(_idx(root, digits, labels), size, frame=frame)
    assert digest(_idx(root, digits, labels), size, frame=frame) == before

    labels[5] = 1
    other_class = digest(_idx(root, digits, labels), size, frame=frame)
    labels[5], digits[7, 27, 27] = 0, 1
    other_pixel = digest(_idx(root, digits, labels), size, frame=frame)
    assert len({before, other_class, other_pixel}) == 3


def test_pictures_are_known_by_their_files_not_by_their_times(root, folder_set, digest, prepared):
    before = digest(folder_set, 32)
    assert digest(folder_set, 32) == before, "it is kept with the prepared pictures"

    picture = root / "bedroom/d.bmp"
    os.utime(picture, (1, 1))
    assert digest(folder_set, 32) == before
    assert len(prepared()) == 2

    content = bytearray(picture.read_bytes())
    content[-1] ^= 1
    picture.write_bytes(content)
    assert digest(folder_set, 32) not in (None, before)


@pytest.mark.parametrize("size", [16, 24])
def test_an_upload_is_known_by_its_checksum(tmp_path, digest, size):
    path = tmp_path / "ds_1.safetensors"
    with PackedWriter(path, (3, 16, 16)) as writer:
        for picture in formats.planar(formats.pixels(2, 16, 16)):
            writer.add("train", picture.tobytes())
        writer.finish()
    given = formats.described("pets", "packed", "", {"train": 2}, (3, 16, 16))
    given = replace(given, source="uploaded", path=path, sha256="5" * 64)
    assert digest(given, size) == "5" * 64


def test_pictures_cropped_to_faces_are_other_data(celeba_set, digest):
    assert digest(celeba_set, 30, crop="face") == f"{digest(celeba_set, 30)} faces"


def test_the_version_of_the_decoder_is_known_where_one_was_needed(root, digits, folder_set):
    def decoded_by(dataset, size):
        return data.read(dataset, (root,), root.parent / "cache", size).origin.pillow

    assert decoded_by(folder_set, 32) == PIL.__version__
    assert decoded_by(_idx(root, digits[:8], digits[:8, 0, 0] * 0), 28) is None


def test_what_an_older_version_has_prepared_has_no_digest(folder_set, digest, prepared):
    digest(folder_set, 32)
    (path,) = prepared()
    _without_digest(path)
    assert packed.origin(path).digest is None
    assert digest(folder_set, 32) is None


def _without_digest(path: Path) -> None:
    """Write over the name under which the header of a prepared file has the digest."""
    found = path.read_bytes()
    assert found.count(b'\\"content\\"') == 1
    path.write_bytes(found.replace(b'\\"content\\"', b'\\"xontent\\"'))
