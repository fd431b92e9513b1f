"""Headers and cursors that no client of ours sends: refused, and never a crash."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.conftest import TRAIN, Finished, Person, Pointers

CONTROL = ["\0", "\x01", "\x1b[2J", "\x1f", "\x7f"]
JOB = "job_01980000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("bad", CONTROL)
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("Idempotency-Key", "one"),
        ("Last-Event-ID", f"{JOB}:1"),
        ("Last-Event-ID", "1"),
        ("Prefer", "wait=1"),
        ("Accept", "text/csv"),
        ("Accept-Language", "zh"),
        ("X-Request-ID", "mine"),
        ("X-Anything", ""),
    ],
)
def test_a_control_character_in_a_header_is_refused(
    finished: Finished, alice: Person, pointers: Pointers, name: str, start: str, bad: str
) -> None:
    sent = {name: f"{start}{bad}end"}
    for answer in (
        alice.post("/v1/jobs", json=TRAIN, headers=sent),
        alice.get("/v1/events", headers={"Accept": "text/event-stream", **sent}),
        alice.get(f"/v1/jobs/{finished.id}/events", headers={"Accept": "text/event-stream", **sent}),
        alice.get(f"/v1/jobs/{finished.id}", headers=sent),
        alice.get("/nothing/here", headers=sent),
    ):
        # A server does not keep the case of a header's name, which has no meaning.
        found = {pointer.lower(): words for pointer, words in pointers(answer).items()}
        assert found == {f"/header/{name.lower()}": "contains a control character"}
    assert [job["id"] for job in alice.get("/v1/jobs").json["data"]] == [finished.id]


def test_a_key_with_a_tab_or_letters_of_any_language_is_taken(alice: Person) -> None:
    for key in ("a\tb", "é", "中".encode().decode("latin-1")):
        made = [alice.post("/v1/jobs", json=TRAIN, headers={"Idempotency-Key": key}) for _ in range(2)]
        assert [answer.status_code for answer in made] == [201, 201]
        assert made[1].headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "given", ["a:1", "job_1:1", f"{JOB}", f"{JOB}:x", f"{JOB}:\xb2", f"{JOB}:{'9' * 30}", ":", "é:1"]
)
def test_a_position_that_names_no_event_is_refused(
    finished: Finished, alice: Person, pointers: Pointers, given: str
) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": given}
    for path in ("/v1/events", f"/v1/jobs/{finished.id}/events"):
        assert list(pointers(alice.get(path, headers=headers))) == ["/header/Last-Event-ID"]


def test_a_page_refuses_a_control_character_as_a_page(alice: Person) -> None:
    answer = alice.client.get("/dashboard/login", headers={"Accept": "text/html", "Accept-Language": "en\0"})
    assert (answer.status_code, answer.mimetype) == (422, "text/html")


LISTS = [
    "/v1/jobs",
    "/v1/datasets",
    "/v1/recipes",
    "/v1/queues",
    "/v1/workers",
    "/v1/keys",
    "/v1/audit",
    "/v1/jobs/{job}/attempts",
    "/v1/jobs/{job}/events",
    "/v1/jobs/{job}/artifacts",
]
PLACES: list[Any] = [
    *(None, True, -1, 2**63, 2**200, 1.5, float("nan"), [], {}, [[]], ["x"], [1, 2], "\0", "\ud800"),
    *(["2026-01-01T00:00:00+00:00", "\0"], ["2026-01-01T00:00:00+00:00", 5], ["2026-01-01T00:00:00", "job_1"]),
    *(["0001-01-01T00:00:00+23:59", "job_1"], ["now", "job_1"], {"created_at": 1, "id": 2}),
]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_with_another_place_inside_is_refused(
    finished: Finished, admin: Person, alice: Person, pointers: Pointers, path: str
) -> None:
    alice.submit()
    address = path.format(job=finished.id)
    own = admin.get(f"{address}?limit=1").json["next_cursor"]
    seal = json.loads(base64.urlsafe_b64decode(own))[0] if own else "0" * 16
    for place in PLACES:
        for forged in ([seal, place], ["0" * 16, place], [place, seal], place):
            cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
            assert list(pointers(admin.get(f"{address}?limit=1&cursor={cursor}"))) == ["/query/cursor"], forged
