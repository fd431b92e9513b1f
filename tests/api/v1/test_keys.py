"""Access keys"""

from __future__ import annotations

from typing import Any

import pytest

from stores.container import Stores
from tests.api.conftest import Person, Pointers


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
