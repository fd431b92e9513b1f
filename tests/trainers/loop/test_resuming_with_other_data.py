"""A checkpoint knows the data that it was trained on, and no job goes on from it with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainers.attempts import Attempt, write_digits
from trainers.loop import checkpoints
from trainers.process.errors import InvalidDatasetError


def test_a_job_does_not_go_on_with_other_data_of_the_same_name(make_spec, digits, tmp_path):
    first = Attempt.run(json.dumps(make_spec(epochs=1)))
    write_digits(tmp_path / "MNIST/raw", digits[1:161], digits[160:])
    elsewhere = {**make_spec(epochs=2, resume=first.checkpoint), "data_roots": [str(tmp_path)]}
    begun = str(checkpoints.read(Path(first.checkpoint)).meta["data_digest"])
    with pytest.raises(InvalidDatasetError, match=f"has different images .* instead of {begun[:12]}.*put the orig"):
        Attempt.run(json.dumps(elsewhere))


def test_a_checkpoint_without_a_digest_goes_on_and_gets_one(make_spec):
    first = Attempt.run(json.dumps(make_spec(epochs=1)))
    older = checkpoints.read(Path(first.checkpoint))
    digest = older.meta.pop("data_digest")
    path = Path(first.checkpoint).with_name("older.safetensors")
    checkpoints.write(path, older)
    second = Attempt.run(json.dumps(make_spec(epochs=2, resume=path)))
    assert second.of("done")
    assert digest
    assert checkpoints.read(Path(second.checkpoint)).meta["data_digest"] == digest
