"""Whether both networks of a training use the same generated images."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import Bench, Person, Pointers

SEVERAL = [
    ({"recipe": "mlp_gan", "params": {"d_steps": 2}}, "d_steps"),
    ({"recipe": "wgan"}, "d_steps"),
    ({"recipe": "wgan", "params": {"d_steps": 1, "boost_steps": 100}}, "boost_steps"),
]


@pytest.mark.parametrize(("asked", "name"), SEVERAL)
def test_several_discriminator_steps_share_nothing_and_the_job_says_so(
    alice: Person, asked: dict[str, Any], name: str
) -> None:
    assert alice.submit(**{"params": {}, **asked})["params"]["shared_fakes"] is False


@pytest.mark.parametrize("asked", [{"recipe": "mlp_gan"}, {"recipe": "wgan", "params": {"d_steps": 1}}])
def test_one_discriminator_step_shares_its_images(alice: Person, asked: dict[str, Any]) -> None:
    assert alice.submit(**{"params": {}, **asked})["params"]["shared_fakes"] is True


@pytest.mark.parametrize(("asked", "name"), SEVERAL)
def test_asking_to_share_with_several_steps_is_refused_with_the_parameter_to_change(
    alice: Person, pointers: Pointers, asked: dict[str, Any], name: str
) -> None:
    params = {**asked.get("params", {}), "shared_fakes": True}
    answer = alice.post("/v1/jobs", json={"kind": "train", "dataset": "mnist-10k", **asked, "params": params})
    told = pointers(answer)["/params/shared_fakes"]
    assert told.endswith(f"leave it out, or set `{name}` to 1")


def test_a_job_can_be_sent_again_with_the_parameters_that_it_has(alice: Person) -> None:
    job = alice.submit(recipe="wgan", params={})
    assert alice.submit(recipe="wgan", params=job["params"])["params"] == job["params"]


def test_an_older_job_that_says_it_shares_with_several_steps_is_retried(
    alice: Person, bench: Bench, stores: Stores
) -> None:
    job = alice.submit(params={"d_steps": 2, "epochs": 1})["id"]
    bench.finish(bench.claim())
    with stores.infra.engine.begin() as connection:
        older = """UPDATE jobs SET params = params || '{"shared_fakes": true}' WHERE id = :id"""
        connection.execute(text(older), {"id": job})
    retried = alice.post(f"/v1/jobs/{job}/retry", json={"params": {"epochs": 2}})
    assert retried.status_code == 201, retried.text
    assert (retried.json or {})["params"]["shared_fakes"] is False
