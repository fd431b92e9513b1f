"""A job that goes on with other hardware or libraries says so once, and says what changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.trainers.attempts import DEVICE, Attempt
from trainers.device import identity
from trainers.loop import checkpoints


@pytest.fixture
def made_elsewhere(make_spec, tmp_path):
    """Return a function that writes a checkpoint with other facts in its header."""

    def write(**facts):
        snapshot = checkpoints.read(Path(Attempt.run(json.dumps(make_spec(epochs=1))).checkpoint))
        snapshot.meta.update(facts)
        path = tmp_path / "elsewhere.safetensors"
        checkpoints.write(path, snapshot)
        return path

    return write


def _warnings(attempt):
    return [log["message"] for log in attempt.of("log") if log["level"] == "warning"]


def test_what_changed_is_told_once(make_spec, made_elsewhere):
    here = identity.of(torch.device(DEVICE), "11.0")
    path = made_elsewhere(identity={**here, "device": "Zilog Z80", "torch": "1.13.1", "cudnn": "9"})
    second = Attempt.run(json.dumps(make_spec(epochs=2, resume=path)))
    [warning] = _warnings(second)
    assert f"(device Zilog Z80 -> {here['device']}, torch 1.13.1 -> {torch.__version__})" in warning
    assert second.of("done")

    third = Attempt.run(json.dumps(make_spec(epochs=3, resume=second.checkpoint)))
    assert third.of("done")
    assert not _warnings(third)


def test_a_checkpoint_from_before_tells_what_it_knows(make_spec, made_elsewhere):
    path = made_elsewhere(identity={}, torch="1.13.1")
    [warning] = _warnings(Attempt.run(json.dumps(make_spec(epochs=2, resume=path))))
    assert f"(torch 1.13.1 -> {torch.__version__})" in warning
