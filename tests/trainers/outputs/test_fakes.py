"""Grids of generated images: which mode the generator is in, and how its pixels are shown."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import torch

from trainers.assembly import assemble
from trainers.data import load
from trainers.data.rng import Draws
from trainers.outputs import CELLS, png
from trainers.process.spec import parse

CPU = torch.device("cpu")


@pytest.fixture
def assembled(make_spec):
    """Return a function that puts mlp_gan to work on the digits."""

    def put(**given):
        spec = parse(json.dumps(make_spec("mlp_gan", normalize_mean=0.1, init="default", **given)))
        found = load(spec.dataset, spec.data_roots, spec.cache, 28)
        method, gallery = assemble(spec, found, Draws(0, 0, CPU))
        # A step, so that running statistics differ from those of a batch.
        method.generator(torch.randn(16, 8))
        return method, gallery

    return put


def painted(method, *, training):
    """Return what a copy of the generator makes of the noise of grids."""
    noise = Draws(0, 0, CPU).normal_everywhere((CELLS, 8), "grid")
    with torch.no_grad():
        return deepcopy(method.generator).train(training)(noise)


@pytest.mark.parametrize(("asked", "mean"), [(True, 0.5), (False, 0.1)])
def test_fakes_are_drawn_as_the_tutorial_does_where_that_is_asked_for(assembled, asked, mean):
    method, gallery = assembled(tutorial_grids=asked)
    before = {name: value.clone() for name, value in method.generator.state_dict().items()}
    images = painted(method, training=asked)
    assert not torch.allclose(images, painted(method, training=not asked))
    assert np.array_equal(gallery.draw().pixels, png.tile(png.to_bytes(images, mean, 0.5)))
    # Drawing leaves no trace in the running statistics, and the generator as it was.
    assert method.generator.training
    for name, value in method.generator.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_real_images_are_brighter_by_two_fifths_in_the_tutorials_grids(assembled):
    shown = assembled(tutorial_grids=True)[1].real().pixels.astype(int)
    plain = assembled()[1].real().pixels.astype(int)
    cell = (slice(2, 30), slice(2, 30))
    # (x - .1) / .5, shown as (x + 1) / 2, is x + .4.
    assert np.abs(shown[cell] - np.minimum(plain[cell] + 0.4 * 255, 255)).max() <= 0.5
    assert plain[cell].min() == 0


def test_jobs_from_before_the_parameter_draw_as_they_did(make_spec):
    line = make_spec("mlp_gan")
    assert line["params"].pop("tutorial_grids") is False
    spec = parse(json.dumps(line))
    method, gallery = assemble(spec, load(spec.dataset, spec.data_roots, spec.cache, 28), Draws(0, 0, CPU))
    expected = png.to_bytes(painted(method, training=False), 0.5, 0.5)
    assert np.array_equal(gallery.draw().pixels, png.tile(expected))
