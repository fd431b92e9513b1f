"""Recipes, data sets, queues and workers"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from models.ids import new_id
from models.recipes import RECIPES
from models.rows import Dataset
from stores.container import Stores
from tests.api.conftest import TRAIN, Bench, Person, Pointers


def test_recipes_describe_their_parameters(alice: Person) -> None:
    page = alice.get("/v1/recipes").json
    assert [recipe["name"] for recipe in page["data"]] == sorted(RECIPES)
    recipe = alice.get("/v1/recipes/dcgan").json
    assert recipe in page["data"]
    epochs = recipe["params"]["properties"]["epochs"]
    assert epochs["default"] == 20
    assert {"type": "integer", "minimum": 1, "maximum": 100_000} in epochs["anyOf"]
    assert [preset["name"] for preset in recipe["presets"]] == ["ithome", "designspark"]
    assert recipe["queues"] == ["gpu", "jetson", "cpu"]
    assert (recipe["images"], recipe["needs"]) == ("square, 28 pixels", "nothing")
    assert recipe["outputs"] == ["grid", "images", "interpolation"]


def test_an_unknown_recipe_names_the_known_ones(alice: Person) -> None:
    answer = alice.get("/v1/recipes/stylegan")
    assert answer.status_code == 404
    assert ", ".join(sorted(RECIPES)) in answer.json["detail"]


def test_short_lists_have_pages_too(alice: Person, pointers: Pointers) -> None:
    first = alice.get("/v1/queues?limit=2").json
    second = alice.get(f"/v1/queues?limit=2&cursor={first['next_cursor']}").json
    assert [row["name"] for row in first["data"] + second["data"]] == ["cpu", "gpu", "jetson"]
    assert second["next_cursor"] is None
    assert "/query/cursor" in pointers(alice.get(f"/v1/recipes?cursor={first['next_cursor']}"))


def test_the_built_in_data_set_is_there(alice: Person) -> None:
    (row,) = alice.get("/v1/datasets").json["data"]
    assert (row["name"], row["images"], row["shape"], row["state"]) == ("mnist-10k", 10_000, [1, 28, 28], "ready")
    assert len(row["sha256"]) == 64
    assert alice.get(f"/v1/datasets/{row['id']}").json == row
    assert alice.get("/v1/datasets/mnist-10k").json == row


@pytest.fixture
def uploaded(stores: Stores) -> Any:
    """Return a function that puts a data set of an owner's in the table, as an upload would."""

    def put(owner: str, **changes: Any) -> str:
        made = new_id("ds")
        facts = {"images": 1000, "shape": [1, 28, 28], "classes": [], "bytes": 1, "sha256": None, "state": "ready"}
        row = {"id": made, "name": "faces", "owner": owner, "source": "uploaded", "layout": "folder", **facts}
        with stores.infra.engine.begin() as connection:
            connection.execute(insert(Dataset).values({**row, **changes}))
        return made

    return put


def test_data_sets_of_strangers_are_not_there(uploaded: Any, alice: Person, bob: Person, admin: Person) -> None:
    made = uploaded("alice")
    assert alice.get(f"/v1/datasets/{made}").status_code == 200
    assert [row["name"] for row in bob.get("/v1/datasets").json["data"]] == ["mnist-10k"]
    for path in (made, "faces"):
        assert bob.get(f"/v1/datasets/{path}").status_code == 404
    assert bob.ask("DELETE", f"/v1/datasets/{made}").status_code == 404
    assert bob.post("/v1/jobs", json={**TRAIN, "dataset": made}).status_code == 422
    assert admin.get(f"/v1/datasets/{made}").status_code == 200


def test_a_data_set_that_is_not_ready_cannot_be_used(uploaded: Any, alice: Person, pointers: Pointers) -> None:
    uploaded("alice", state="importing")
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, "dataset": "faces"}))
    assert "importing" in found["/dataset"]


def test_a_data_set_is_kept_while_a_job_needs_it(uploaded: Any, alice: Person, bench: Bench) -> None:
    made = uploaded("alice")
    job = alice.submit(dataset="faces")["id"]
    refused = alice.ask("DELETE", f"/v1/datasets/{made}")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    alice.post(f"/v1/jobs/{job}/cancel")
    # The finished job's row still names it.
    assert alice.ask("DELETE", f"/v1/datasets/{made}").status_code in {204, 409}


def test_an_unused_data_set_is_deleted(uploaded: Any, alice: Person) -> None:
    made = uploaded("alice")
    answer = alice.ask("DELETE", f"/v1/datasets/{made}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert alice.get(f"/v1/datasets/{made}").status_code == 404
    assert alice.ask("DELETE", f"/v1/datasets/{made}").status_code == 404


def test_what_came_with_the_service_stays(alice: Person, admin: Person) -> None:
    (row,) = alice.get("/v1/datasets").json["data"]
    for person in (alice, admin):
        assert person.ask("DELETE", f"/v1/datasets/{row['id']}").status_code == 409


def test_queues_tell_their_depth(alice: Person, bench: Bench) -> None:
    for _ in range(3):
        alice.submit()
    bench.claim()
    cpu = next(row for row in alice.get("/v1/queues").json["data"] if row["name"] == "cpu")
    assert (cpu["depth"], cpu["running"], cpu["workers"], cpu["paused"]) == (2, 1, 1, False)
    assert 0 < cpu["oldest_wait_s"] < 60


def test_workers_tell_what_they_do(alice: Person, admin: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    bench.claim()
    (row,) = admin.get("/v1/workers").json["data"]
    assert (row["id"], row["queue"], row["state"], row["job"]) == (bench.worker, "cpu", "live", job)
    assert row["device"] == {"kind": "cpu"}
