"""Uploaded data sets: mapped as they are, once their headers say what the data set was listed with."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from packing.packed import PackedWriter
from tests.trainers.data import formats
from trainers.process.errors import InvalidDatasetError

CLASSES = ("cat", "dog", "eel")


@pytest.fixture
def uploaded(tmp_path):
    path = tmp_path / "ds_1.safetensors"
    with PackedWriter(path, (3, 16, 16), CLASSES) as writer:
        for part, count in (("train", 7), ("test", 3)):
            for n, picture in enumerate(formats.planar(formats.pixels(count, 16, 16, seed=count))):
                writer.add(part, picture.tobytes(), n % 3)
        writer.finish()
    given = formats.described("pets", "packed", "", {"train": 7, "test": 3}, (3, 16, 16), classes=CLASSES)
    return replace(given, source="uploaded", path=path)


def test_an_upload_is_mapped_as_it_is(uploaded, load, prepared):
    parts = load(uploaded, 16)
    for part, count in (("train", 7), ("test", 3)):
        assert np.array_equal(parts[part].pixels.numpy(), formats.planar(formats.pixels(count, 16, 16, seed=count)))
        assert parts[part].labels.tolist() == [n % 3 for n in range(count)]
        assert parts[part].labels.dtype == torch.int64
    assert not prepared()


def test_mapped_pixels_do_not_count_as_memory_of_the_process(tmp_path, load):
    """Otherwise the limit that a trainer sets itself would forbid data sets larger than memory."""
    side, megabytes = 1024, 48
    with PackedWriter(tmp_path / "large.safetensors", (1, side, side)) as writer:
        for n in range(megabytes):
            writer.add("train", bytes([n]) * side * side)
        writer.finish()
    given = formats.described("large", "packed", "", {"train": megabytes}, (1, side, side))
    before = counted()
    pixels = load(replace(given, source="uploaded", path=tmp_path / "large.safetensors"), side)["train"].pixels
    assert counted() - before < 8 << 20
    assert pixels[:, 0, 0, 0].tolist() == list(range(megabytes))


def counted():
    """What RLIMIT_DATA limits, in bytes."""
    (kilo,) = re.findall(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilo) * 1024


def test_an_upload_is_framed_or_scaled_in_the_cache(uploaded, load, prepared):
    framed = load(uploaded, 18)
    assert torch.equal(framed["train"].pixels[..., 1:17, 1:17], load(uploaded, 16)["train"].pixels)
    assert framed["train"].labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert load(uploaded, 32)["test"].pixels.shape == (3, 3, 32, 32)
    assert len(prepared()) == 2


def test_an_upload_that_was_fetched_anew_is_not_prepared_again(uploaded, load, prepared, tmp_path):
    again = replace(uploaded, path=tmp_path / "other name")
    again.path.write_bytes(uploaded.path.read_bytes())
    load(uploaded, 32)
    load(again, 32)
    assert len(prepared()) == 1
    load(replace(again, sha256="0" * 64), 32)
    assert len(prepared()) == 2, "the checksum of the spec is believed: the worker has checked it"


def test_labels_beyond_a_byte_are_read_whole(tmp_path, load):
    classes = tuple(str(n) for n in range(300))
    with PackedWriter(tmp_path / "many.safetensors", (1, 1, 1), classes) as writer:
        for label in (0, 255, 256, 299):
            writer.add("train", b"\x07", label)
        writer.finish()
    given = formats.described("many", "packed", "", {"train": 4}, (1, 1, 1), classes=classes)
    labels = load(replace(given, path=tmp_path / "many.safetensors"), 1)["train"].labels
    assert labels.tolist() == [0, 255, 256, 299]


def _rewrite(path, change):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    path.write_bytes(content[:8] + json.dumps(header).encode().ljust(length) + content[8 + length :])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda header: header["train.pixels"].update(shape=[7, 3, 32, 8]), "holds U8 7x3x32x8 as train.pixels"),
        (lambda header: header["train.pixels"].update(dtype="I8"), "holds I8 7x3x16x16 as train.pixels"),
        (lambda header: header["train.labels"].update(shape=[14, 1]), "holds U8 14x1 as train.labels"),
        (lambda header: header.update(trainA=header.pop("train.pixels")), "has no train.pixels"),
        (lambda header: header["test.pixels"].update(data_offsets=[0, 5]), "is no whole packed file"),
    ],
)
def test_a_header_that_says_something_else_is_refused(uploaded, load, change, words):
    _rewrite(uploaded.path, change)
    with pytest.raises(InvalidDatasetError, match=words) as refused:
        load(uploaded, 16)
    assert "upload the data set again" in str(refused.value)
    assert str(uploaded.path) in str(refused.value)


def test_a_label_without_a_class_is_refused(uploaded, load):
    with pytest.raises(InvalidDatasetError, match="has a label 2 in part train, and data set pets has 2 classes"):
        load(replace(uploaded, classes=("cat", "dog")), 16)


def test_a_cut_or_missing_file_is_refused(uploaded, load):
    uploaded.path.write_bytes(uploaded.path.read_bytes()[:-1])
    with pytest.raises(InvalidDatasetError, match=r"ds_1\.safetensors is no whole packed file of data set pets"):
        load(uploaded, 16)
    uploaded.path.unlink()
    with pytest.raises(InvalidDatasetError, match=r"the file of data set pets is not here .*ds_1\.safetensors"):
        load(uploaded, 16)
