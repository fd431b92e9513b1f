"""What marks the best checkpoint of a training whose request leaves it open."""

from __future__ import annotations

from typing import Any

import pytest

from api.submit.monitor import extractor_at_hand
from stores.container import Stores
from tests.api.conftest import Bench, Person


@pytest.mark.parametrize(
    ("asked", "monitor"),
    [
        ({"recipe": "dcgan"}, "fd_ratio"),
        ({"recipe": "compact", "params": {"patience": 3, "monitor": "g_loss"}}, "g_loss"),
        ({"recipe": "dcgan", "params": {"monitor": None}}, None),
        # A preset restates its source.
        ({"recipe": "dcgan", "preset": "ithome"}, "g_loss"),
        ({"recipe": "dcgan", "preset": "designspark"}, None),
        ({"recipe": "darknet"}, "accuracy"),
        ({"recipe": "cyclegan"}, None),
    ],
)
def test_images_are_judged_where_that_is_possible_and_nobody_decided(
    alice: Person, asked: dict[str, Any], monitor: str | None
) -> None:
    params = alice.submit(**{"dataset": "mnist-10k", "params": {}, **asked})["params"]
    assert params["monitor"] == monitor
    assert params.get("quality_every") is None


def test_without_an_extractor_the_latest_checkpoint_is_the_best(stores: Stores) -> None:
    digits = stores.datasets.find("mnist-10k", None)
    assert digits is not None
    assert extractor_at_hand(digits)
    assert not extractor_at_hand({**digits, "extractor": None})


def test_a_retry_of_an_older_job_keeps_its_null(alice: Person, bench: Bench) -> None:
    job = alice.submit(recipe="dcgan", params={"monitor": None, "epochs": 1})
    bench.finish(bench.claim())
    retried = alice.post(f"/v1/jobs/{job['id']}/retry", json={"params": {"epochs": 2}})
    assert retried.status_code == 201
    assert (retried.json or {})["params"]["monitor"] is None
