"""Access keys"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from models.states import Role
from stores.container import Stores
from stores.infra.errors import NotFoundError
from tests.api.conftest import Person, Pointers
from tests.waiting import until

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def waits(stores: Stores) -> int | None:
    """Return how many transactions wait for another one."""
    with stores.infra.engine.connect() as connection:
        return connection.scalar(WAITS)


def test_a_new_key_opens_its_owners_things(admin: Person, alice: Person) -> None:
    job = alice.submit()["id"]
    answer = admin.post("/v1/keys", json={"name": "laptop", "owner": "alice", "role": "viewer"})
    assert answer.status_code == 201
    assert (answer.json["owner"], answer.json["role"]) == ("alice", "viewer")
    fresh = Person(admin.client, answer.json["key"], answer.json["id"])
    assert fresh.get(f"/v1/jobs/{job}").status_code == 200
    assert fresh.post(f"/v1/jobs/{job}/cancel").status_code == 403


def test_the_owner_is_the_name_unless_given(admin: Person) -> None:
    made = admin.post("/v1/keys", json={"name": "dora"}).json
    assert (made["owner"], made["role"], made["key"][:3]) == ("dora", "user", "gf_")


def test_the_secret_is_shown_once_and_kept_nowhere(admin: Person, stores: Stores) -> None:
    made = admin.post("/v1/keys", json={"name": "dora"}).json
    page = admin.get("/v1/keys").json
    assert page["data"][0]["id"] == made["id"]
    assert all("key" not in row and "hash" not in row for row in page["data"])
    with stores.infra.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT keys::text FROM keys").scalars().all()
    assert made["key"] not in " ".join(rows)


def test_a_revoked_key_opens_nothing_from_then_on(admin: Person) -> None:
    made = admin.post("/v1/keys", json={"name": "dora"}).json
    dora = Person(admin.client, made["key"], made["id"])
    assert dora.get("/v1/jobs").status_code == 200
    assert admin.ask("DELETE", f"/v1/keys/{made['id']}").status_code == 204
    assert dora.get("/v1/jobs").status_code == 401
    assert admin.ask("DELETE", f"/v1/keys/{made['id']}").status_code == 404


def test_the_last_admin_cannot_lock_everybody_out(admin: Person) -> None:
    assert admin.ask("DELETE", f"/v1/keys/{admin.key_id}").status_code == 409
    second = admin.post("/v1/keys", json={"name": "second", "role": "admin"}).json
    assert admin.ask("DELETE", f"/v1/keys/{admin.key_id}").status_code == 204
    assert Person(admin.client, second["key"], "").get("/v1/keys").status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "  "}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"name": "x", "owner": ""}, "/owner"),
        ({"name": "x", "role": "root"}, "/role"),
        ({"name": "x", "role": None}, "/role"),
        ({"name": "x", "key": "gf_mine"}, "/key"),
    ],
)
def test_what_is_wrong_is_named(admin: Person, pointers: Pointers, body: dict[str, Any], pointer: str) -> None:
    assert list(pointers(admin.post("/v1/keys", json=body))) == [pointer]


def test_keys_come_in_pages(admin: Person) -> None:
    for n in range(3):
        admin.post("/v1/keys", json={"name": f"key {n}"})
    first = admin.get("/v1/keys?limit=2").json
    second = admin.get(f"/v1/keys?limit=2&cursor={first['next_cursor']}").json
    assert [row["name"] for row in first["data"] + second["data"]] == ["key 2", "key 1", "key 0", "key of root"]


def test_a_user_makes_sees_and_revokes_the_own_keys(admin: Person, alice: Person) -> None:
    made = alice.post("/v1/keys", json={"name": "laptop"})
    assert made.status_code == 201
    assert (made.json["owner"], made.json["role"]) == ("alice", "user")
    assert alice.post("/v1/keys", json={"name": "tv", "owner": "alice", "role": "viewer"}).status_code == 201
    assert [row["name"] for row in alice.get("/v1/keys").json["data"]] == ["tv", "laptop", "key of alice"]
    laptop = Person(alice.client, made.json["key"], made.json["id"])
    assert laptop.get("/v1/jobs").status_code == 200
    assert alice.ask("DELETE", f"/v1/keys/{laptop.key_id}").status_code == 204
    assert laptop.get("/v1/jobs").status_code == 401
    assert laptop.post("/v1/keys", json={"name": "again"}).status_code == 401
    told = admin.get("/v1/audit?action=key.create&action=key.revoke").json["data"]
    assert [(line["action"], line["owner"], line["key"]) for line in told[:3]] == [
        ("key.revoke", "alice", alice.key_id),
        ("key.create", "alice", alice.key_id),
        ("key.create", "alice", alice.key_id),
    ]


@pytest.mark.parametrize(
    ("body", "pointer", "told"),
    [
        ({"name": "x", "role": "admin"}, "/role", "your own role, user"),
        ({"name": "x", "owner": "bob"}, "/owner", "must be alice, your own"),
        ({"name": "x", "owner": "root", "role": "admin"}, "/owner", "must be alice, your own"),
        ({"name": "x", "quotas": {"running": 10**6}}, "/quotas/running", "must be at most "),
    ],
)
def test_a_user_makes_no_key_that_may_more(
    alice: Person, pointers: Pointers, body: dict[str, Any], pointer: str, told: str
) -> None:
    answer = alice.post("/v1/keys", json=body)
    assert told in pointers(answer)[pointer]
    assert len(alice.get("/v1/keys").json["data"]) == 1


def test_limits_are_handed_on_and_not_beyond_them(admin: Person, pointers: Pointers) -> None:
    made = admin.post("/v1/keys", json={"name": "dora", "quotas": {"queued": 3}}).json
    dora = Person(admin.client, made["key"], made["id"])
    second = dora.post("/v1/keys", json={"name": "second", "quotas": {"running": 0}}).json
    assert second["quotas"] == {"queued": 3, "running": 0, "stored_bytes": None}
    answer = dora.post("/v1/keys", json={"name": "third", "quotas": {"queued": 4}})
    assert pointers(answer) == {"/quotas/queued": "must be at most 3"}


def test_keys_of_others_and_of_higher_roles_are_as_unknown_as_none(admin: Person, alice: Person, bob: Person) -> None:
    # Nor does a refusal tell that it is the last admin's.
    assert alice.ask("DELETE", f"/v1/keys/{admin.key_id}").status_code == 404
    above = admin.post("/v1/keys", json={"name": "above", "owner": "alice", "role": "admin"}).json["id"]
    never = "key_01980000-0000-7000-8000-000000000000"
    for hidden in (bob.key_id, admin.key_id, above, never):
        assert alice.ask("DELETE", f"/v1/keys/{hidden}").status_code == 404
    assert [row["id"] for row in alice.get("/v1/keys").json["data"]] == [alice.key_id]
    assert len(admin.get("/v1/keys").json["data"]) == 4


def test_a_viewer_sees_the_own_keys_and_makes_and_revokes_none(alice: Person, carol: Person) -> None:
    assert [row["id"] for row in carol.get("/v1/keys").json["data"]] == [carol.key_id]
    assert carol.post("/v1/keys", json={"name": "x", "role": "viewer"}).status_code == 403
    assert carol.ask("DELETE", f"/v1/keys/{carol.key_id}").status_code == 403
    assert alice.ask("DELETE", f"/v1/keys/{carol.key_id}").status_code == 204


def test_an_owner_has_a_hundred_keys_at_most_without_an_admin(
    admin: Person, alice: Person, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stores.accounts.keys.MOST_KEYS", 3)
    for name in ("second", "third"):
        assert alice.post("/v1/keys", json={"name": name}).status_code == 201
    refused = alice.post("/v1/keys", json={"name": "fourth"})
    assert (refused.status_code, refused.json["detail"]) == (409, "you have 3 keys, the limit; revoke one first")
    assert admin.post("/v1/keys", json={"name": "fourth", "owner": "alice"}).status_code == 201
    for row in alice.get("/v1/keys").json["data"][:2]:  # what is revoked counts no more
        assert alice.ask("DELETE", f"/v1/keys/{row['id']}").status_code == 204
    assert alice.post("/v1/keys", json={"name": "fifth"}).status_code == 201


def test_a_key_that_is_being_revoked_leaves_no_new_one_behind(alice: Person, stores: Stores) -> None:
    who = stores.accounts.keys.authenticate(alice.key)
    assert who is not None
    with ThreadPoolExecutor(1) as late, stores.infra.engine.begin() as revoking:
        revoking.execute(text("UPDATE keys SET revoked_at = now() WHERE id = :id"), {"id": alice.key_id})
        made = late.submit(stores.accounts.keys.create, "late", "alice", Role.user, who=who)
        until(lambda: waits(stores), 10)
        revoking.commit()
        with pytest.raises(NotFoundError):
            made.result(10)
    assert stores.accounts.keys.page(who.keys, 10, None) == []
