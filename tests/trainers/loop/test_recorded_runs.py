"""The code at hand computes what an earlier commit computed, and goes on with that commit's checkpoints."""

from __future__ import annotations

import json

import pytest
import torch

from tests.trainers import golden
from tests.trainers.attempts import Attempt

RECIPES = golden.facts()["recipes"]
WITH_CHECKPOINT = [recipe for recipe in RECIPES if golden.checkpoint(recipe).exists()]
# Between AVX-512, AVX2 and plain SSE kernels the numbers of these runs differ by 0.1 % at most.
TOLERANCE = {"rel": 5e-3, "abs": 1e-4}
# What another moment or another machine may change in the JSON of a checkpoint.
OF_THE_MOMENT = {"seconds", "torch", "crc32"}
# What alarms remember is kept in another form since then; the earlier one is read (test_alarms.py).
OTHERWISE = {"watch"}
# What checkpoints hold since these were recorded.
LATER = {"data_digest", "identity", "quality"}


@pytest.fixture
def run(make_spec):
    """Return a function that runs a recorded training, from its start or from a checkpoint."""

    def of(recipe, resume=None, stop_at_step=None):
        recorded = RECIPES[recipe]
        spec = {**make_spec(recipe, resume=resume), "params": recorded["params"], "seed": recorded["seed"]}
        return Attempt.run(json.dumps(spec), stop_at_step)

    return of


def assert_as_recorded(attempt, recipe, first_step=1):
    """Compare every number from a step on; and the bytes of all weights, where the same kernels made them."""
    recorded = RECIPES[recipe]
    wanted = {int(step): row for step, row in recorded["series"].items() if int(step) >= first_step}
    assert list(attempt.series) == list(wanted)
    for step, row in attempt.series.items():
        assert row == pytest.approx(wanted[step], **TOLERANCE), f"step {step}"
    for message in attempt.of("epoch"):
        assert message["means"] == pytest.approx(recorded["means"][str(message["epoch"])], **TOLERANCE)
    assert {message["step"] for message in attempt.files("weights")} == {recorded["steps"]}
    assert attempt.hashes.keys() == recorded["weights"].keys()
    if golden.fingerprint() == golden.facts()["machine"]:
        assert attempt.hashes == recorded["weights"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_computes_what_was_recorded(run, recipe):
    assert_as_recorded(run(recipe), recipe)


@pytest.mark.parametrize("recipe", WITH_CHECKPOINT)
def test_a_recorded_checkpoint_goes_on_as_the_training_did_that_wrote_it(run, recipe):
    path = golden.checkpoint(recipe)
    step = golden.content(path)[1]["step"]
    attempt = run(recipe, resume=path)
    assert attempt.of("started")[0]["start_step"] == step
    assert_as_recorded(attempt, recipe, step + 1)


@pytest.mark.parametrize("recipe", WITH_CHECKPOINT)
def test_a_recorded_checkpoint_is_written_again_as_it_was_read(run, recipe):
    path = golden.checkpoint(recipe)
    tensors, meta = golden.content(path)
    # It is asked to stop before its first step: nothing is computed, so this holds to the bit on every machine.
    attempt = run(recipe, resume=path, stop_at_step=meta["step"])
    again, meta_again = golden.content(attempt.checkpoint)
    assert again.keys() == tensors.keys()
    for name, value in tensors.items():
        assert torch.equal(again[name], value), name
        assert again[name].dtype == value.dtype, name
    assert meta_again.keys() == meta.keys() | LATER
    for name in meta.keys() - OF_THE_MOMENT - OTHERWISE:
        assert meta_again[name] == meta[name], name
