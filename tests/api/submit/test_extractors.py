"""Evaluations of data sets without an extractor: a job of its own makes one, once, and they wait for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from stores.container import Stores
from tests.api.conftest import Person
from tests.evaluations import pets_row


@pytest.fixture
def pets(stores: Stores):
    """Return a function that makes the row of a data set: everybody's, or its owner's."""

    return partial(pets_row, stores)


def evaluate(person: Person, extractor: str = "auto", dataset: str = "pets", query: str = "", **request: Any) -> Any:
    body = {"kind": "evaluate", "queue": "cpu", "source": {"dataset": dataset}, "dataset": dataset, "priority": 5}
    return person.post(f"/v1/jobs{query}", json={**body, "params": {"extractor": extractor}}, **request)


def jobs(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/v1/jobs").json["data"]
    return found


def test_the_first_evaluation_has_the_extractor_made_and_waits_for_it(pets, alice: Person) -> None:
    pets()
    assert evaluate(alice, query="?dry_run=true").json["waits_for"] is None
    assert jobs(alice) == []
    waiting = evaluate(alice).json
    (_, made) = jobs(alice)
    assert waiting["waits_for"] == made["id"]
    assert waiting["reason"] == "no_live_worker", "which comes first"
    assert (made["kind"], made["recipe"], made["dataset"], made["name"]) == (
        "train",
        "darknet",
        "pets",
        "Extractor of pets",
    )
    assert (made["labels"], made["priority"], made["waits_for"]) == ({"purpose": "extractor"}, 5, None)
    assert (made["params"]["targets"], made["params"]["images"], made["params"]["image_size"]) == (
        "rotations",
        12_800,
        64,
    )
    # It is not there yet, and the data set says so.
    assert alice.get("/v1/datasets/pets").json["extractor"] is None


def test_all_who_use_a_shared_data_set_wait_for_one_extractor(pets, alice: Person, bob: Person) -> None:
    pets()
    first, second, third = evaluate(alice).json, evaluate(bob).json, evaluate(alice).json
    assert first["waits_for"] == second["waits_for"] == third["waits_for"] is not None
    assert alice.get(f"/v1/jobs/{first['waits_for']}").json["owner"] == "alice"
    assert bob.get(f"/v1/jobs/{first['waits_for']}").status_code == 404


def test_the_extractor_of_a_private_data_set_is_its_owners_whoever_asks(
    pets, alice: Person, bob: Person, admin: Person
) -> None:
    dataset = pets("alice")
    assert evaluate(bob, dataset=dataset).status_code == 422
    waiting = evaluate(admin, dataset=dataset).json
    assert waiting["owner"] == "root"
    assert alice.get(f"/v1/jobs/{waiting['waits_for']}").json["owner"] == "alice"
    assert evaluate(alice).json["waits_for"] == waiting["waits_for"]
    # An unfinished job needs the data set; afterwards nothing keeps it.
    assert alice.ask("DELETE", f"/v1/datasets/{dataset}").status_code == 409
    for person in (alice, admin):
        for job in jobs(person):
            person.post(f"/v1/jobs/{job['id']}/cancel")
    assert alice.ask("DELETE", f"/v1/datasets/{dataset}").status_code == 204


def test_a_canceled_extractor_is_made_anew_by_the_next_evaluation(pets, alice: Person) -> None:
    pets()
    first = evaluate(alice).json["waits_for"]
    alice.post(f"/v1/jobs/{first}/cancel")
    second = evaluate(alice).json["waits_for"]
    assert second not in {None, first}


def test_a_repeated_request_makes_no_second_extractor(pets, alice: Person) -> None:
    pets()
    key = {"headers": {"Idempotency-Key": "one"}}
    first = evaluate(alice, **key).json
    alice.post(f"/v1/jobs/{first['waits_for']}/cancel")
    again = evaluate(alice, **key)
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (first["id"], "true")
    assert len(jobs(alice)) == 2


def test_nothing_waits_where_an_extractor_is_there_or_is_the_users_own(pets, alice: Person) -> None:
    pets()
    assert evaluate(alice, dataset="mnist-10k").json["waits_for"] is None
    assert evaluate(alice, extractor="inception").json["waits_for"] is None
    assert {job["kind"] for job in jobs(alice)} == {"evaluate"}
    assert alice.get("/v1/datasets/mnist-10k").json["extractor"]["accuracy"] == 0.99


def test_a_data_set_that_no_network_can_learn_is_refused(pets, alice: Person) -> None:
    pets(train=1)
    (error,) = evaluate(alice).json["errors"]
    assert error["pointer"] == "/params/extractor"
    assert error["detail"].startswith("no extractor can be made for data set pets: must be at most 1,")
    assert jobs(alice) == []
