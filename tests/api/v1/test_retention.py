"""Retention policies of projects: who sets which, what they say beforehand, and what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import Finished, Person, Pointers

POLICY = {"project": "digits", "keep_checkpoints": 2, "checkpoints_after_days": 7, "failed_after_days": 30}


def projects(person: Person) -> list[tuple[str, str]]:
    """Return owner and project of the policies that somebody sees."""
    return [(one["owner"], one["project"]) for one in person.get("/v1/retention").json["data"]]


def test_a_policy_is_kept_as_it_was_given_until_it_is_deleted(alice: Person) -> None:
    made = alice.post("/v1/retention", json=POLICY)
    assert made.status_code == 201
    assert {name: made.json[name] for name in POLICY} == POLICY
    assert (made.json["owner"], made.json["grids_after_days"], made.json["ended_after_days"]) == ("alice", None, None)
    again = alice.post("/v1/retention", json={"project": "digits", "grids_after_days": 0}).json
    assert alice.get("/v1/retention").json["data"] == [again]
    assert again["keep_checkpoints"] == 1
    assert alice.ask("DELETE", f"/v1/retention/{made.json['id']}").status_code == 404
    assert alice.ask("DELETE", f"/v1/retention/{again['id']}").status_code == 204
    assert projects(alice) == []


def test_people_set_policies_of_their_own_projects_and_admins_of_all(
    alice: Person, bob: Person, carol: Person, admin: Person
) -> None:
    policy = alice.post("/v1/retention", json=POLICY).json["id"]
    assert (projects(bob), projects(carol), projects(admin)) == ([], [("alice", "digits")], [("alice", "digits")])
    assert carol.post("/v1/retention", json=POLICY).status_code == 403
    assert carol.post("/v1/retention?dry_run=true", json=POLICY).status_code == 403
    assert carol.ask("DELETE", f"/v1/retention/{policy}").status_code == 403
    for path in ("/v1/retention", "/v1/retention?dry_run=true"):
        assert bob.post(path, json={**POLICY, "owner": "alice"}).status_code == 403
    assert bob.post("/v1/retention", json={**POLICY, "owner": "bob"}).status_code == 201
    assert bob.ask("DELETE", f"/v1/retention/{policy}").status_code == 404
    assert bob.ask("DELETE", "/v1/retention/ret_x").status_code == 404
    assert admin.post("/v1/retention", json={**POLICY, "owner": "alice", "project": "faces"}).status_code == 201
    assert projects(alice) == [("alice", "digits"), ("alice", "faces")]
    assert admin.ask("DELETE", f"/v1/retention/{policy}").status_code == 204


def test_a_dry_run_tells_what_would_go_and_stores_nothing(
    alice: Person, bob: Person, stores: Stores, finished: Finished
) -> None:
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET project = 'digits', finished_at = now() - interval '2 days'"))
    asked = {"project": "digits", "ended_after_days": 1}
    answer = alice.post("/v1/retention?dry_run=true", json=asked)
    assert answer.status_code == 200
    assert [one["job"] for one in answer.json["trash"]["examples"]] == [finished.id]
    assert answer.json["trash"]["bytes"] == answer.json["trash"]["examples"][0]["bytes"] > 0
    assert (projects(alice), alice.get(f"/v1/jobs/{finished.id}").json["trashed_at"]) == ([], None)
    # A project of this name is another one for each owner.
    assert bob.post("/v1/retention?dry_run=true", json=asked).json["trash"]["jobs"] == 0


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"project": ""}, "/project"),
        ({"project": "a" * 65}, "/project"),
        ({"project": "a\0"}, "/project"),
        ({"keep_checkpoints": 0}, "/keep_checkpoints"),
        ({"keep_checkpoints": 1001}, "/keep_checkpoints"),
        ({"checkpoints_after_days": None}, "/keep_checkpoints"),
        ({"checkpoints_after_days": -1}, "/checkpoints_after_days"),
        ({"grids_after_days": 3651}, "/grids_after_days"),
        ({"grids_after_days": 0.5}, "/grids_after_days"),
        ({"failed_after_days": 0}, "/failed_after_days"),
        ({"ended_after_days": 0}, "/ended_after_days"),
        ({"ended_after_days": "7"}, "/ended_after_days"),
        ({"days": 7}, "/days"),
        ({"owner": ""}, "/owner"),
    ],
)
def test_a_wrong_policy_is_refused(alice: Person, pointers: Pointers, changes: dict[str, object], pointer: str) -> None:
    for path in ("/v1/retention", "/v1/retention?dry_run=true"):
        assert pointer in pointers(alice.post(path, json={**POLICY, **changes}))


def test_a_policy_without_a_rule_is_refused(alice: Person, pointers: Pointers) -> None:
    assert "set at least one of" in pointers(alice.post("/v1/retention", json={"project": "digits"}))[""]
