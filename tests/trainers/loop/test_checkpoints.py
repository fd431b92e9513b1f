"""Checkpoint files: whole or refused."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
import torch

from trainers.loop import checkpoints
from trainers.loop.checkpoints import Snapshot
from trainers.process.errors import CheckpointCorruptError


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.safetensors"
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(7, dtype=torch.int64), "none": torch.zeros(0, 3)}
    checkpoints.write(path, Snapshot(tensors, {"step": 3, "pi": 3.141592653589793}))
    return path


def rewrite(path, change):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def test_what_was_written_is_read_back_to_the_bit(good):
    snapshot = checkpoints.read(good)
    assert torch.equal(snapshot.tensors["a"], torch.arange(6.0).view(2, 3))
    assert snapshot.tensors["b"].item() == 7
    assert snapshot.meta["pi"] == 3.141592653589793
    assert [path.name for path in good.parent.iterdir()] == ["good.safetensors"]


def _cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def _grow(path):
    path.write_bytes(path.read_bytes() + b"more")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def _empty(path):
    path.write_bytes(b"")


def _noise(path):
    path.write_bytes(bytes(range(256)) * 8)


def _huge_header(path):
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


def _huge_tensor(path):
    rewrite(path, lambda header: header["a"].update(shape=[2**40, 3], data_offsets=[0, 2**40 * 12]))


def _negative_shape(path):
    rewrite(path, lambda header: header["a"].update(shape=[-2, -3]))


def _unknown_type(path):
    rewrite(path, lambda header: header["a"].update(dtype="PICKLE"))


def _no_metadata(path):
    rewrite(path, lambda header: header.pop("__metadata__"))


def _newer_format(path):
    def change(header):
        meta = json.loads(header["__metadata__"]["ganforge"])
        header["__metadata__"]["ganforge"] = json.dumps({**meta, "format": 99})

    rewrite(path, change)


def _gone(path):
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _grow,
        _flip,
        _empty,
        _noise,
        _huge_header,
        _huge_tensor,
        _negative_shape,
        _unknown_type,
        _no_metadata,
        _newer_format,
        _gone,
    ],
)
def test_a_damaged_file_is_refused_by_name(good, damage):
    damage(good)
    with pytest.raises(CheckpointCorruptError, match=r"good\.safetensors"):
        checkpoints.read(good)


def test_a_write_that_the_system_refuses_is_an_error_and_leaves_no_file(tmp_path):
    # A limit on the size of files stands for a full disk: both break the write in the middle.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"x\.safetensors"):
            checkpoints.write_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_weights_have_the_same_bytes_whatever_the_order_of_their_names(tmp_path):
    a, b = torch.ones(3), torch.zeros(2)
    checkpoints.write_tensors(tmp_path / "1", {"a": a, "b": b})
    checkpoints.write_tensors(tmp_path / "2", {"b": b, "a": a})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_checkpoint_of_other_networks_is_refused_with_the_tensor_named(train_small):
    attempt = train_small(epochs=1)
    with pytest.raises(CheckpointCorruptError, match=r"networks/generator/layers\.0\.weight"):
        train_small(width=5, resume=attempt.checkpoint)
    with pytest.raises(CheckpointCorruptError, match="belongs to the recipe 'mlp_gan', the job to 'dcgan'"):
        train_small("dcgan", resume=attempt.checkpoint)


def test_a_checkpoint_without_its_counters_is_refused(train_small, tmp_path):
    snapshot = checkpoints.read(Path(train_small(epochs=1).checkpoint))
    del snapshot.meta["stop"]
    checkpoints.write(tmp_path / "bare.safetensors", snapshot)
    with pytest.raises(CheckpointCorruptError, match="stop"):
        train_small(epochs=1, resume=tmp_path / "bare.safetensors")


def test_a_checkpoint_tells_recipe_parameters_and_place(train_small):
    meta = checkpoints.read(Path(train_small(epochs=1, seed=3).checkpoint)).meta
    assert (meta["recipe"], meta["seed"], meta["salt"], meta["step"], meta["epoch"], meta["images"]) == (
        "mlp_gan",
        3,
        0,
        10,
        1,
        160,
    )
    assert meta["params"]["batch_size"] == 16
    assert meta["params"]["grid_every"] == {"epochs": 1}


def test_a_checkpoint_that_cannot_be_written_is_told_and_training_goes_on(make_spec):
    from tests.trainers.attempts import Attempt

    spec = make_spec(epochs=2, checkpoint_every={"epochs": 1})
    # The name of the first checkpoint is taken by a folder, so that it cannot be put in place.
    (Path(spec["scratch"]) / "checkpoint-00000010.safetensors" / "x").mkdir(parents=True)
    attempt = Attempt.run(json.dumps(spec))
    assert [message["step"] for message in attempt.files("checkpoint")] == [20]
    assert any("could not be written, training continues" in message["message"] for message in attempt.of("log"))
    assert attempt.messages[-1]["type"] == "done"
