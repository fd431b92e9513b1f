"""A whole small attempt on each found data set, in its own layout, with the recipe that people take for it."""

from __future__ import annotations

import json

import pytest

from tests.trainers.attempts import Attempt

pytestmark = pytest.mark.long  # whole runs

PAIRS = [
    ("cifar_set", "darknet", {"image_size": 32}),
    ("flat_set", "darknet", {"image_size": 32}),
    ("celeba_set", "wgan_gp", {"image_size": 64, "crop": "face"}),
    ("lsun_set", "wgan", {"image_size": 16}),
    ("folder_set", "wgan", {"image_size": 16}),
    ("pair_set", "cyclegan", {"image_size": 32}),
    ("folder_set", "mlp_gan", {"image_size": 20}),
]


@pytest.mark.parametrize(("name", "recipe", "params"), PAIRS)
def test_an_attempt_trains_on_it_to_the_end(name, recipe, params, make_spec, root, request):
    dataset = request.getfixturevalue(name)
    spec = make_spec(recipe, batch_size=2, epochs=1, **params)
    spec["dataset"] = vars(dataset)
    spec["data_roots"] = [str(root)]
    attempt = Attempt.run(json.dumps(spec))
    assert attempt.of("done")
    assert attempt.series
    assert attempt.files("weights")
