"""Headers and cursors that no client of ours sends: refused, and never a crash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from stores.infra.settings import Settings
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


def test_a_cursor_that_was_not_signed_by_the_service_is_refused(
    finished: Finished, admin: Person, alice: Person, bob: Person, pointers: Pointers
) -> None:
    for _ in range(3):
        alice.submit()
    first = alice.get("/v1/jobs?limit=2").json
    seal, place = json.loads(base64.urlsafe_b64decode(first["next_cursor"]))
    assert alice.get(f"/v1/jobs?limit=2&cursor={first['next_cursor']}").status_code == 200
    # What anybody could work out: the place of another entry, and a hash of all that a cursor is bound to.
    other = [first["data"][0]["created_at"], first["data"][0]["id"]]
    bound = ["JobsQuery", {}, "alice", "user", "jobs"]
    guessed = hashlib.sha256(json.dumps([bound, other], sort_keys=True).encode()).hexdigest()[:32]
    empty = hmac.new(b"", json.dumps([bound, other], sort_keys=True).encode(), "sha256").hexdigest()[:32]
    for forged in ([seal, other], [guessed, other], [empty, other], ["", other], [None, other], [seal, [*place, 1]]):
        cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
        assert list(pointers(alice.get(f"/v1/jobs?limit=2&cursor={cursor}"))) == ["/query/cursor"], forged
    for who, query in ((bob, ""), (admin, ""), (alice, "&state=queued"), (alice, "&label=a:b")):
        answer = who.get(f"/v1/jobs?limit=2{query}&cursor={first['next_cursor']}")
        assert list(pointers(answer)) == ["/query/cursor"]


def test_all_processes_of_the_service_sign_with_one_key(app: Flask, settings: Settings, alice: Person) -> None:
    other = create_app(settings)
    stores, theirs = app.extensions["ganforge"].stores, other.extensions["ganforge"].stores
    with ThreadPoolExecutor() as both:
        one, two = both.map(lambda each: each.accounts.cursor_key, (stores, theirs))
    assert one == two
    assert len(set(one)) > 16
    for _ in range(3):
        alice.submit()
    cursor = alice.get("/v1/jobs?limit=1").json["next_cursor"]
    answer = other.test_client().get(
        f"/v1/jobs?limit=1&cursor={cursor}", headers={"Authorization": f"Bearer {alice.key}"}
    )
    assert answer.status_code == 200
    theirs.close()


ODD = [
    *("\0", "%00", "\ud800", "\x1b[2J", "%ff", "%ed%a0%80", "a" * 5000, "%", "é"),
    *("..", "%2e%2e", "%252e", "'", ";", "*"),
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_ids_and_cookies_are_never_a_crash(alice: Person, odd: str) -> None:
    paths = ["/v1/jobs/{}", "/v1/jobs/{}/events", "/v1/jobs/{}/cancel", "/v1/artifacts/{}/content", "/v1/datasets/{}"]
    for path in [*paths, "/v1/recipes/{}", "/v1/keys/{}", "/v1/workers/{}/drain", "/v1/queues/{}/pause", "/{}"]:
        for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS"):
            answer = alice.ask(method, path.format(odd.encode(errors="replace").decode()))
            assert answer.status_code < 500
            assert answer.status_code < 400 or answer.json["status"] == answer.status_code
    for name in ("ganforge_session", "ganforge_language", odd.encode(errors="replace").decode("latin-1")):
        given = f"{name}={odd.encode(errors='replace').decode('latin-1')}"
        for path in ("/v1/jobs", "/dashboard", "/dashboard/login"):
            answer = alice.client.get(path, headers={"Cookie": given, "Accept": "text/html"})
            assert answer.status_code in {200, 303, 401, 422}
