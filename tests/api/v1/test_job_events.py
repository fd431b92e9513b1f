"""GET /v1/jobs/{id}/events, as a page"""

from __future__ import annotations

import pytest

from tests.api.conftest import Finished, Person, Pointers


def test_events_are_numbered_without_a_gap(finished: Finished, alice: Person) -> None:
    events = alice.get(f"/v1/jobs/{finished.id}/events").json["data"]
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [event["type"] for event in events] == [
        "state",
        "state",
        "metric",
        "metric",
        "checkpoint",
        "grid",
        "state",
    ]
    assert events[4]["data"]["artifact"]["id"] == finished.checkpoint
    assert "object_key" not in events[4]["data"]["artifact"]


def test_pages_of_events_follow_each_other(finished: Finished, alice: Person) -> None:
    url = f"/v1/jobs/{finished.id}/events"
    first = alice.get(f"{url}?after=2&limit=3").json
    second = alice.get(f"{url}?after=2&limit=3&cursor={first['next_cursor']}").json
    assert [event["seq"] for event in first["data"] + second["data"]] == [3, 4, 5, 6, 7]
    assert second["next_cursor"] is None
    assert alice.get(f"{url}?after=7").json == {"data": [], "next_cursor": None}


def test_a_cursor_of_one_job_is_none_of_another(finished: Finished, alice: Person, pointers: Pointers) -> None:
    other = alice.submit()["id"]
    cursor = alice.get(f"/v1/jobs/{finished.id}/events?limit=1").json["next_cursor"]
    assert "/query/cursor" in pointers(alice.get(f"/v1/jobs/{other}/events?cursor={cursor}"))


@pytest.mark.parametrize("after", ["-1", "x", "1.5", str(2**63), ""])
def test_a_place_is_a_number(finished: Finished, alice: Person, pointers: Pointers, after: str) -> None:
    assert "/query/after" in pointers(alice.get(f"/v1/jobs/{finished.id}/events?after={after}"))


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "", "application/json, text/event-stream"])
def test_a_page_is_what_comes_unless_a_stream_is_asked_for(finished: Finished, alice: Person, accept: str) -> None:
    answer = alice.get(f"/v1/jobs/{finished.id}/events", headers={"Accept": accept})
    assert answer.mimetype == "application/json"
