"""GET and PATCH /v1/jobs/{id}, cancel, attempts"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask

from models.states import Outcome
from tests.api.conftest import Bench, Finished, Person, Pointers
from tests.waiting import until


def test_a_finished_job_shows_what_it_did(finished: Finished, alice: Person) -> None:
    job = alice.get(f"/v1/jobs/{finished.id}").json
    assert (job["state"], job["attempt"], job["last_seq"], job["position"]) == ("succeeded", 1, 7, None)
    assert (job["progress"]["epoch"], job["progress"]["step"]) == (1, 2)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


def _waiting(person: Person, job_id: str, answers: list[Any], wait: str) -> threading.Thread:
    def go() -> None:
        began = time.monotonic()
        answer = person.get(f"/v1/jobs/{job_id}", headers={"Prefer": wait})
        answers.append((answer.json["state"], answer.headers.get("Preference-Applied"), time.monotonic() - began))

    thread = threading.Thread(target=go)
    thread.start()
    return thread


def test_prefer_wait_answers_when_the_state_changes(alice: Person, bench: Bench, app: Flask) -> None:
    job = alice.submit()["id"]
    answers: list[Any] = []
    thread = _waiting(alice, job, answers, "respond-async, wait=30")
    until(lambda: app.extensions["ganforge"].hub.watches(job), 60, "somebody who waits")
    claim = bench.claim()
    bench.metric(claim, 1, d_loss=1.0)
    thread.join(60)
    assert answers
    state, applied, seconds = answers[0]
    assert (state, applied) == ("running", "wait=30")
    assert seconds < 30


def test_prefer_wait_ends_when_time_is_up(alice: Person) -> None:
    job = alice.submit()["id"]
    began = time.monotonic()
    answer = alice.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=1"})
    assert answer.json["state"] == "queued"
    assert 0.9 < time.monotonic() - began < 30


def test_prefer_wait_is_no_wait_for_a_job_that_has_ended(finished: Finished, alice: Person) -> None:
    began = time.monotonic()
    answer = alice.get(f"/v1/jobs/{finished.id}", headers={"Prefer": "wait=600"})
    assert answer.headers["Preference-Applied"] == "wait=60"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("prefer", ["wait=x", "wait", "await=3", "wait=-1", "return=minimal"])
def test_a_preference_that_means_nothing_is_passed_over(alice: Person, prefer: str) -> None:
    answer = alice.get(f"/v1/jobs/{alice.submit()['id']}", headers={"Prefer": prefer})
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers


def test_priority_labels_and_name_can_be_changed(alice: Person) -> None:
    job = alice.submit(name="old", labels={"a": "1"})["id"]
    changed = alice.ask("PATCH", f"/v1/jobs/{job}", json={"priority": 5, "labels": {"b": "2"}, "name": "new"}).json
    assert (changed["priority"], changed["labels"], changed["name"]) == (5, {"b": "2"}, "new")
    assert alice.ask("PATCH", f"/v1/jobs/{job}", json={"priority": -5}).json["name"] == "new"
    assert alice.ask("PATCH", f"/v1/jobs/{job}", json={"name": None}).json["name"] is None
    assert alice.ask("PATCH", f"/v1/jobs/{job}", json={}).json["labels"] == {"b": "2"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"priority": 101}, "/priority"),
        ({"priority": None}, "/priority"),
        ({"labels": None}, "/labels"),
        ({"labels": {"a": None}}, "/labels/a"),
        ({"name": 5}, "/name"),
        ({"state": "succeeded"}, "/state"),
        ({"params": {}}, "/params"),
    ],
)
def test_nothing_else_can_be_changed(alice: Person, pointers: Pointers, body: dict[str, Any], pointer: str) -> None:
    job = alice.submit()
    assert list(pointers(alice.ask("PATCH", f"/v1/jobs/{job['id']}", json=body))) == [pointer]
    assert alice.get(f"/v1/jobs/{job['id']}").json == job


def test_a_waiting_job_is_canceled_at_once(alice: Person) -> None:
    job = alice.submit()["id"]
    first = alice.post(f"/v1/jobs/{job}/cancel")
    assert (first.status_code, first.json["state"]) == (202, "canceled")
    for body in ({"json": {}}, {"content_type": "application/json"}):
        again = alice.post(f"/v1/jobs/{job}/cancel", **body)
        assert (again.status_code, again.json["state"]) == (200, "canceled")


def test_a_running_job_is_asked_to_stop(alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    first = alice.post(f"/v1/jobs/{job}/cancel")
    assert (first.status_code, first.json["state"], first.json["pending_action"]) == (202, "running", "cancel")
    assert alice.post(f"/v1/jobs/{job}/cancel").status_code == 200
    bench.finish(claim, Outcome.canceled)
    assert alice.post(f"/v1/jobs/{job}/cancel").json["state"] == "canceled"


def test_a_job_that_has_ended_cannot_be_canceled(finished: Finished, alice: Person) -> None:
    answer = alice.post(f"/v1/jobs/{finished.id}/cancel")
    assert answer.status_code == 409
    problem = answer.json
    assert (problem["code"], problem["state"], problem["allowed"]) == ("conflict", "succeeded", ["retry"])


def test_canceling_takes_no_fields(alice: Person, pointers: Pointers) -> None:
    job = alice.submit()["id"]
    assert list(pointers(alice.post(f"/v1/jobs/{job}/cancel", json={"force": True}))) == ["/force"]


def test_attempts_are_listed_in_order(alice: Person, bench: Bench, worker: str) -> None:
    job = alice.submit()["id"]
    bench.finish(bench.claim(), Outcome.interrupted)
    bench.finish(bench.claim(), Outcome.succeeded)
    page = alice.get(f"/v1/jobs/{job}/attempts?limit=1").json
    rest = alice.get(f"/v1/jobs/{job}/attempts?limit=1&cursor={page['next_cursor']}").json
    assert [row["number"] for row in page["data"] + rest["data"]] == [1, 2]
    assert [row["outcome"] for row in page["data"] + rest["data"]] == ["interrupted", "succeeded"]
    assert page["data"][0]["worker"] == worker
    assert rest["next_cursor"] is None


def test_an_unknown_job_is_not_found(alice: Person) -> None:
    nothing = "/v1/jobs/job_0198c0de-0000-7000-8000-000000000000"
    for path in ("", "/events", "/metrics", "/attempts", "/artifacts"):
        assert alice.get(nothing + path).status_code == 404
    assert alice.post(f"{nothing}/cancel").status_code == 404
    assert alice.ask("PATCH", nothing, json={}).status_code == 404
