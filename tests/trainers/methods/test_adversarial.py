"""One iteration of an adversarial pair."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import torch

from trainers.assembly import assemble
from trainers.data import load
from trainers.data.rng import Draws
from trainers.methods import Iteration
from trainers.methods.losses import bce_generator
from trainers.process.spec import parse

CPU = torch.device("cpu")


@pytest.fixture
def assembled(make_spec):
    """Return a function that puts a recipe to work on the digits."""

    def put(recipe, **given):
        spec = parse(json.dumps(make_spec(recipe, **given)))
        parts = load(spec.dataset, spec.data_roots, spec.cache, spec.params.image_size)
        return assemble(spec, parts, Draws(0, 0, CPU)).method

    return put


def told_of(method, step=0):
    """Take a step; return its metrics by name."""
    row = method.step(Iteration(step, method.feed.sampler.seen, 0.0))
    return dict(zip(method.metrics, row.tolist(), strict=True))


@pytest.mark.parametrize("recipe", ["mlp_gan", "dcgan"])
def test_the_generators_loss_of_a_warm_up_is_taken_in_training_mode(assembled, recipe):
    method = assembled(recipe, d_warmup_steps=2, precision="float32")
    told_of(method)
    with torch.no_grad():
        fakes = deepcopy(method.generator)(method.feed.draws.normal((16, 8), "noise", 1, 0))
    told = told_of(method, 1)
    # The discriminator as it is now: the generator's loss is taken after its step.
    judge = deepcopy(method.discriminator)
    with torch.no_grad():
        assert told["g_loss"] == pytest.approx(bce_generator(judge.train()(fakes)).item(), rel=1e-5)
        assert told["g_loss"] != pytest.approx(bce_generator(judge.eval()(fakes)).item(), rel=1e-3)
    assert told["g_grad_norm"] == 0


def test_a_look_in_the_warm_up_leaves_the_running_statistics_alone(assembled):
    method = assembled("dcgan", d_warmup_steps=1)
    told_of(method)
    counts = [value for name, value in method.discriminator.state_dict().items() if name.endswith("batches_tracked")]
    # One real batch and one of fakes; the generator's first own step will add a third.
    assert {int(count) for count in counts} == {2}
    told_of(method, 1)
    assert {int(count) for count in counts} == {5}
    assert method.discriminator.training
