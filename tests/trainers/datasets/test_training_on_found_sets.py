"""A whole small attempt on each found data set, in its own layout."""

from __future__ import annotations

import json

import pytest

from tests.trainers.attempts import Attempt


@pytest.mark.parametrize("name", ["cifar_set", "flat_set", "celeba_set", "lsun_set", "folder_set"])
def test_an_attempt_trains_on_it_to_the_end(name, make_spec, root, request):
    dataset = request.getfixturevalue(name)
    spec = make_spec(batch_size=4, epochs=2)
    spec["dataset"] = {**vars(dataset), "shape": [3, 32, 32]}
    spec["data_roots"] = [str(root)]
    attempt = Attempt.run(json.dumps(spec))
    assert attempt.of("done")
    assert all(value is not None for step in attempt.series.values() for value in step.values())
    assert attempt.files("weights")
