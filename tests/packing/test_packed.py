"""The packed file is what the safetensors library reads, and exists whole or not at all."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open

from packing.packed import PackedWriter


def test_what_was_written_is_what_the_library_reads(tmp_path):
    pixels = torch.arange(5 * 3 * 4 * 7, dtype=torch.int64).remainder(251).to(torch.uint8).reshape(5, 3, 4, 7)
    with PackedWriter(tmp_path / "a.safetensors", (3, 4, 7), ("cat", "dog")) as writer:
        for n in range(3):
            writer.add("train", pixels[n].numpy().tobytes(), n % 2)
        for n in range(3, 5):
            writer.add("test", pixels[n].numpy().tobytes(), 1)
        writer.finish(source="here")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        assert torch.equal(file.get_tensor("train.pixels"), pixels[:3])
        assert torch.equal(file.get_tensor("test.pixels"), pixels[3:])
        assert file.get_tensor("train.labels").tolist() == [[0, 0], [1, 0], [0, 0]]
        facts = json.loads(file.metadata()["ganforge"])
    assert facts == {"format": 1, "classes": ["cat", "dog"], "source": "here"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_writer_that_is_left_early_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), PackedWriter(tmp_path / "a", (1, 2, 2)) as writer:
        writer.add("train", bytes(4))
        raise KeyError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([("train", bytes(3), None)], "3 bytes"),
        ([("validation", bytes(4), None)], "part is 'validation'"),
        ([("train", bytes(4), None), ("test", bytes(4), None), ("train", bytes(4), None)], "left before"),
        ([("train", bytes(4), 2)], "label 2"),
        ([("train", bytes(4), 0), ("train", bytes(4), None)], "some of its pictures"),
        ([], "nothing"),
    ],
)
def test_what_would_be_no_data_set_is_refused(tmp_path, calls, words):
    with PackedWriter(tmp_path / "a", (1, 2, 2), ("one", "two")) as writer, pytest.raises(ValueError, match=words):
        for call in calls:
            writer.add(*call)
        writer.finish()
    assert not list(tmp_path.iterdir())
