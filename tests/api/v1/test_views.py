"""Lists of jobs that owners keep under a name."""

from __future__ import annotations

import pytest

from stores.accounts.saved_views import MAX_VIEWS
from stores.container import Stores
from tests.api.conftest import Person, Pointers

VIEW = {
    "name": "mine",
    "filter": {"q": "digits", "state": ["failed"], "starred": True},
    "sort": "-duration",
    "columns": ["params.batch_size", "last.g_loss", "seed"],
}


def names(person: Person) -> list[str]:
    """Return the names of the views that somebody keeps."""
    return [view["name"] for view in person.get("/v1/views").json["data"]]


def test_a_view_is_kept_as_it_was_given_until_it_is_deleted(alice: Person, admin: Person) -> None:
    made = alice.post("/v1/views", json=VIEW)
    assert made.status_code == 201
    assert {name: made.json[name] for name in VIEW} == VIEW
    alice.post("/v1/views", json={"name": "all"})
    assert names(alice) == ["all", "mine"]
    assert alice.get("/v1/views?limit=1").json["next_cursor"] is not None
    assert alice.ask("DELETE", f"/v1/views/{made.json['id']}").status_code == 204
    assert names(alice) == ["all"]
    lines = admin.get("/v1/audit?action=view.create&action=view.delete").json["data"]
    assert [line["action"] for line in lines] == ["view.delete", "view.create", "view.create"]


def test_views_belong_to_their_owner(alice: Person, bob: Person, carol: Person, admin: Person) -> None:
    view = alice.post("/v1/views", json=VIEW).json["id"]
    assert (names(bob), names(carol), names(admin)) == ([], ["mine"], [])
    assert bob.ask("DELETE", f"/v1/views/{view}").status_code == 404
    assert bob.post("/v1/views", json=VIEW).status_code == 201
    assert carol.post("/v1/views", json={"name": "x"}).status_code == 403
    assert carol.ask("DELETE", f"/v1/views/{view}").status_code == 403
    assert alice.ask("DELETE", "/v1/views/view_x").status_code == 404
    assert names(alice) == ["mine"]


def test_a_name_is_taken_once_and_an_owner_keeps_so_many(alice: Person, stores: Stores) -> None:
    assert alice.post("/v1/views", json=VIEW).status_code == 201
    again = alice.post("/v1/views", json={**VIEW, "sort": "name"})
    assert (again.status_code, again.json["code"]) == (409, "conflict")
    who = stores.accounts.keys.authenticate(alice.key)
    assert who is not None
    for n in range(MAX_VIEWS - 1):
        stores.accounts.views.create(who, f"view {n}", {}, "name", [])
    full = alice.post("/v1/views", json={"name": "one more"})
    assert (full.status_code, str(MAX_VIEWS) in full.json["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a" * 65}, "/name"),
        ({"filter": {"q": "recpie:x"}}, "/filter/q"),
        ({"filter": {"color": "red"}}, "/filter/color"),
        ({"sort": "color"}, "/sort"),
        ({"columns": ["password"]}, "/columns/0"),
        ({"columns": ["params." + "a" * 60]}, "/columns/0"),
        ({"columns": ["seed"] * 13}, "/columns"),
    ],
)
def test_a_wrong_view_is_refused(alice: Person, pointers: Pointers, changes: dict[str, object], pointer: str) -> None:
    assert pointer in pointers(alice.post("/v1/views", json={**VIEW, **changes}))
