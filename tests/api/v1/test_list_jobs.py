"""GET /v1/jobs"""

from __future__ import annotations

import pytest

from tests.api.conftest import Finished, Person, Pointers


def ids(person: Person, query: str = "") -> list[str]:
    """Return the ids that a list holds."""
    answer = person.get(f"/v1/jobs{query}")
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json["data"]]


def test_pages_follow_each_other_newest_first(alice: Person) -> None:
    made = [alice.submit()["id"] for _ in range(5)]
    seen, cursor = [], ""
    for _ in range(3):
        page = alice.get(f"/v1/jobs?limit=2{cursor}").json
        seen += [job["id"] for job in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] is None


def test_a_page_that_is_just_full_is_the_last(alice: Person) -> None:
    for _ in range(2):
        alice.submit()
    assert alice.get("/v1/jobs?limit=2").json["next_cursor"] is None


def test_a_new_job_does_not_shift_the_pages(alice: Person) -> None:
    old = [alice.submit()["id"] for _ in range(2)]
    cursor = alice.get("/v1/jobs?limit=1").json["next_cursor"]
    alice.submit()
    assert ids(alice, f"?limit=1&cursor={cursor}") == [old[0]]


def test_a_cursor_belongs_to_its_filters_and_its_caller(alice: Person, bob: Person, pointers: Pointers) -> None:
    for _ in range(2):
        alice.submit()
    cursor = alice.get("/v1/jobs?limit=1").json["next_cursor"]
    assert alice.get(f"/v1/jobs?limit=50&cursor={cursor}").status_code == 200
    for person, query in ((alice, f"state=queued&cursor={cursor}"), (bob, f"cursor={cursor}")):
        assert (
            "is not a cursor of this list with these filters"
            in pointers(person.get(f"/v1/jobs?{query}"))["/query/cursor"]
        )


@pytest.mark.parametrize("cursor", ["x", "", "%00", "W10=", "WzEsMl0=", "bnVsbA==", "%F0%9F%98%80", "a" * 1025])
def test_a_damaged_cursor_is_refused(alice: Person, pointers: Pointers, cursor: str) -> None:
    assert "/query/cursor" in pointers(alice.get(f"/v1/jobs?cursor={cursor}"))


def test_filters_narrow_the_list(finished: Finished, alice: Person) -> None:
    waiting = alice.submit(recipe="dcgan", queue="gpu", labels={"team": "b", "stage": "1"})["id"]
    sample = alice.post("/v1/jobs", json={"kind": "sample", "source": {"job": finished.id}, "queue": "jetson"}).json
    everything = [sample["id"], waiting, finished.id]
    assert ids(alice) == everything
    assert ids(alice, "?state=succeeded") == [finished.id]
    assert ids(alice, "?state=succeeded&state=queued") == everything
    assert ids(alice, "?kind=sample") == [sample["id"]]
    assert ids(alice, "?recipe=dcgan") == [waiting]
    assert ids(alice, "?recipe=unheard-of") == []
    assert ids(alice, "?queue=gpu&queue=jetson") == [sample["id"], waiting]
    assert ids(alice, "?label=team:a") == [finished.id]
    assert ids(alice, "?label=team%3Db") == [waiting]
    assert ids(alice, "?label=team:a&label=team:b") == [waiting, finished.id]
    assert ids(alice, "?label=team:b&label=stage:1") == [waiting]
    assert ids(alice, "?label=team:b&label=stage:2") == []
    assert ids(alice, "?state=queued&recipe=mlp_gan&kind=train") == []


def test_times_bound_the_list_on_both_sides(alice: Person) -> None:
    first, second = alice.submit(), alice.submit()
    assert ids(alice, f"?created_after={first['created_at']}") == [second["id"]]
    assert ids(alice, f"?created_before={second['created_at']}") == [first["id"]]
    assert ids(alice, "?created_before=2020-01-01T00:00:00%2B02:00") == []


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("limit=0", "limit", "must be at least 1"),
        ("limit=101", "limit", "must be at most 100"),
        ("limit=x", "limit", "must be an integer"),
        ("limit=1_0", "limit", "must be an integer"),
        ("limit=+5", "limit", "must be an integer"),
        ("limit=5&limit=6", "limit", "must be given once"),
        ("limit=99999999999999999999999", "limit", "must be an integer"),
        ("state=done", "state", "must be one of 'queued'"),
        ("kind=paint", "kind", "must be one of 'train', 'sample' or 'evaluate'"),
        ("queue=auto", "queue", "must be one of 'gpu'"),
        ("label=team", "label", "must match"),
        ("label=:a", "label", "must match"),
        ("parent=job_1", "parent", "must match"),
        ("created_after=yesterday", "created_after", "RFC 3339"),
        ("created_after=1700000000", "created_after", "RFC 3339"),
        ("created_after=2024-01-01T00:00:00", "created_after", "RFC 3339"),
        ("created_before=0001-01-01T00:00:00%2B23:59", "created_before", "RFC 3339"),
        ("created_before=2024-13-01T00:00:00Z", "created_before", "RFC 3339"),
        ("recipe=%00", "recipe", "NUL"),
        ("stat=queued", "stat", "did you mean state?"),
    ],
)
def test_a_wrong_parameter_is_named(alice: Person, query: str, name: str, words: str) -> None:
    answer = alice.get(f"/v1/jobs?{query}")
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert (error["pointer"], error["parameter"]) == (f"/query/{name}", name)
    assert words in error["detail"]
