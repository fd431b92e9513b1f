"""POST /v1/jobs/{id}/pause, resume, retry, and PATCH with a place"""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.schemas.bodies import Retry
from api.submit.retries import again
from models.states import Outcome
from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person, Pointers


def test_a_waiting_job_is_paused_and_resumed_at_once_and_twice_is_once(alice: Person, stores: Stores) -> None:
    job = alice.submit()["id"]
    answers = [alice.post(f"/v1/jobs/{job}/{verb}") for verb in ("pause", "pause", "resume", "resume")]
    assert [answer.status_code for answer in answers] == [202, 200, 202, 200]
    assert [answer.json["state"] for answer in answers] == ["paused", "paused", "queued", "queued"]
    moves = [(e["data"]["from"], e["data"]["to"], e["data"]["reason"]) for e in stores.events.page(job, 1, 10)]
    assert moves == [("queued", "paused", "paused by request"), ("paused", "queued", "resumed by request")]


def test_a_running_job_is_asked_to_pause_and_may_be_let_go_on(alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    asked = alice.post(f"/v1/jobs/{job}/pause")
    assert (asked.status_code, asked.json["state"], asked.json["pending_action"]) == (202, "running", "pause")
    assert alice.post(f"/v1/jobs/{job}/pause").status_code == 200
    taken_back = alice.post(f"/v1/jobs/{job}/resume")
    assert (taken_back.status_code, taken_back.json["pending_action"]) == (202, None)
    assert alice.post(f"/v1/jobs/{job}/resume").status_code == 200
    # The trainer had stopped already: then the job waits for the next attempt.
    bench.finish(claim, Outcome.paused)
    job_now = alice.get(f"/v1/jobs/{job}").json
    assert (job_now["state"], job_now["reason"]) == ("queued", "resumed by request")


@pytest.mark.parametrize(
    ("outcome", "verb", "state"),
    [
        (Outcome.paused, "pause", "paused"),
        (Outcome.paused, "cancel", "canceled"),
        (Outcome.interrupted, "pause", "paused"),
        (Outcome.interrupted, "cancel", "canceled"),
    ],
)
def test_what_is_wished_at_the_end_counts(alice: Person, bench: Bench, outcome: Outcome, verb: str, state: str) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    alice.post(f"/v1/jobs/{job}/{verb}")
    bench.finish(claim, outcome)
    now = alice.get(f"/v1/jobs/{job}").json
    assert (now["state"], now["pending_action"]) == (state, None)


def test_what_is_not_possible_is_told_with_what_is(alice: Person, bench: Bench, finished: Finished) -> None:
    for verb in ("pause", "resume"):
        answer = alice.post(f"/v1/jobs/{finished.id}/{verb}")
        assert (answer.status_code, answer.json["state"], answer.json["allowed"]) == (409, "succeeded", ["retry"])
    waiting = alice.submit()["id"]
    answer = alice.post(f"/v1/jobs/{waiting}/retry")
    assert (answer.status_code, answer.json["allowed"]) == (409, ["cancel", "pause"])
    alice.post(f"/v1/jobs/{waiting}/pause")
    answer = alice.post(f"/v1/jobs/{waiting}/retry")
    assert (answer.status_code, answer.json["allowed"]) == (409, ["cancel", "resume"])
    going = alice.submit()["id"]
    bench.claim()
    alice.post(f"/v1/jobs/{going}/cancel")
    for verb in ("pause", "resume"):
        answer = alice.post(f"/v1/jobs/{going}/{verb}")
        assert (answer.status_code, answer.json["state"], answer.json["allowed"]) == (409, "running", [])
        assert "was asked to cancel" in answer.json["detail"]


def test_a_paused_job_is_not_claimed_and_can_be_canceled(alice: Person, stores: Stores, worker: str) -> None:
    job = alice.submit()["id"]
    alice.post(f"/v1/jobs/{job}/pause")
    assert stores.jobs.claim("cpu", worker, "cpu") is None
    answer = alice.post(f"/v1/jobs/{job}/cancel")
    assert (answer.status_code, answer.json["state"]) == (202, "canceled")


def test_a_retry_is_a_new_job_of_the_same_owner_with_the_changes(
    finished: Finished, alice: Person, admin: Person
) -> None:
    answer = admin.post(f"/v1/jobs/{finished.id}/retry", json={"params": {"epochs": 7, "width": 16}})
    assert answer.status_code == 201
    job = answer.json
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    parent = alice.get(f"/v1/jobs/{finished.id}").json
    assert (job["parent"], job["owner"], job["state"], job["source"]) == (finished.id, "alice", "queued", None)
    assert job["params"] == {**parent["params"], "epochs": 7, "width": 16}
    kept = ("recipe", "preset", "dataset", "seed", "queue", "priority", "name", "labels", "max_attempts")
    assert [job[name] for name in kept] == [parent[name] for name in kept]
    assert [one["id"] for one in alice.get(f"/v1/jobs?parent={finished.id}").json["data"]] == [job["id"]]
    assert parent["state"] == "succeeded"


def test_one_budget_replaces_the_other_in_a_retry(finished: Finished, alice: Person) -> None:
    params = alice.post(f"/v1/jobs/{finished.id}/retry", json={"params": {"images": 500}}).json["params"]
    assert (params["images"], params["epochs"]) == (500, None)


@pytest.mark.parametrize("outcome", [Outcome.failed, Outcome.canceled])
def test_whatever_has_ended_can_be_retried(alice: Person, bench: Bench, stores: Stores, outcome: Outcome) -> None:
    from models.states import ErrorCode
    from stores.jobs.transitions import Ending

    job = alice.submit()["id"]
    code = ErrorCode.diverged if outcome is Outcome.failed else None
    stores.jobs.finish(bench.claim(), Ending(outcome, None, code, "it did"))
    assert alice.post(f"/v1/jobs/{job}/retry").json["parent"] == job


def test_the_same_key_makes_one_retry(finished: Finished, alice: Person, pointers: Pointers) -> None:
    header = {"headers": {"Idempotency-Key": "again"}}
    first = alice.post(f"/v1/jobs/{finished.id}/retry", json={}, **header)
    second = alice.post(f"/v1/jobs/{finished.id}/retry", json={}, **header)
    assert (second.status_code, second.json["id"]) == (201, first.json["id"])
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    other = alice.post(f"/v1/jobs/{finished.id}/retry", json={"params": {"epochs": 3}}, **header)
    assert list(pointers(other)) == ["/header/Idempotency-Key"]
    # The same key and body at another address are another request.
    assert list(pointers(alice.post("/v1/jobs", json={}, **header))) != []
    assert len(alice.get(f"/v1/jobs?parent={finished.id}").json["data"]) == 1


@pytest.mark.parametrize("named", ["latest", "best", "id"])
def test_a_retry_starts_from_the_checkpoint_that_was_named(
    finished: Finished, alice: Person, stores: Stores, named: str
) -> None:
    checkpoint = finished.checkpoint if named == "id" else named
    body = {"checkpoint": checkpoint, "params": {"epochs": 9, "learning_rate": 1e-5}}
    job = alice.post(f"/v1/jobs/{finished.id}/retry", json=body).json
    assert job["source"] == {"job": finished.id, "checkpoint": checkpoint}
    with stores.infra.engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT source_artifact FROM jobs WHERE id = %s", (job["id"],)).one()
    assert row.source_artifact == finished.checkpoint


@pytest.mark.parametrize(("body", "needs"), [({"checkpoint": "latest"}, True), ({}, False)])
def test_a_retry_needs_the_units_with_which_its_checkpoint_began(
    finished: Finished, alice: Person, stores: Stores, body: dict[str, Any], needs: bool
) -> None:
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET needs_units = true WHERE id = %s", (finished.id,))
    job = alice.post(f"/v1/jobs/{finished.id}/retry", json=body).json
    with stores.infra.engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT needs_units FROM jobs WHERE id = %s", (job["id"],)).one()
    assert row.needs_units is needs


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        (
            {"checkpoint": "latest", "params": {"width": 16}},
            "/params/width",
            "must stay 128 to match the checkpoint, and 16 was sent",
        ),
        ({"checkpoint": "best", "params": {"optimizer": "rmsprop"}}, "/params/optimizer", "start from scratch"),
        ({"checkpoint": "latest", "params": {"batch_size": 64}}, "/params/batch_size", "start from scratch"),
        ({"checkpoint": "latest", "params": {"ema_half_life": 500}}, "/params/ema_half_life", "start from scratch"),
        ({"checkpoint": "latest", "params": {"epochs": 0}}, "/params/epochs", "at least 1"),
        ({"checkpoint": "first"}, "/checkpoint", "must be best, latest or the id of a checkpoint"),
        (
            {"checkpoint": "art_0198c0de-0000-7000-8000-000000000000"},
            "/checkpoint",
            "is not a checkpoint of this job; use best, latest or the id of one",
        ),
        ({"params": {"wdith": 4}}, "/params/wdith", "did you mean width"),
        ({"seed": 5}, "/seed", "is not known here"),
        ({"params": None}, "/params", "must be an object"),
    ],
)
def test_what_a_retry_cannot_be_is_named(
    finished: Finished, alice: Person, pointers: Pointers, body: dict[str, Any], pointer: str, words: str
) -> None:
    found = pointers(alice.post(f"/v1/jobs/{finished.id}/retry", json=body))
    assert list(found) == [pointer]
    assert words in found[pointer]
    assert alice.get(f"/v1/jobs?parent={finished.id}").json["data"] == []


def ends_epoch_two(stores: Stores, job: str) -> None:
    """Say of a finished job that its second epoch ended at step 1, where its checkpoint is."""
    epoch = {"epoch": 2, "step": 1, "images": 69_120, "seconds": 1.0, "images_per_second": 9.0, "device": "cpu"}
    with stores.infra.engine.begin() as connection:
        row = connection.exec_driver_sql("SELECT last_seq + 1 AS seq FROM jobs WHERE id = %s", (job,)).one()
        insert = "INSERT INTO events (job_id, seq, attempt, type, data) VALUES (%s, %s, 1, 'epoch', %s)"
        connection.exec_driver_sql(insert, (job, row.seq, json.dumps(epoch)))
        connection.exec_driver_sql("UPDATE jobs SET last_seq = %s WHERE id = %s", (row.seq, job))


@pytest.mark.parametrize(
    ("params", "pointer", "words"),
    [
        ({"images": 60_000}, "/params/images", "69,120 images are done already"),
        ({"images": 69_120}, "/params/images", "set more than that, or start from scratch"),
        ({"epochs": 2}, "/params/epochs", "2 epochs are done already"),
    ],
)
def test_a_budget_that_a_checkpoint_has_used_up_is_refused(
    finished: Finished,
    alice: Person,
    stores: Stores,
    pointers: Pointers,
    params: dict[str, int],
    pointer: str,
    words: str,
) -> None:
    ends_epoch_two(stores, finished.id)
    for query in ("", "?dry_run=true"):
        answer = alice.post(f"/v1/jobs/{finished.id}/retry{query}", json={"checkpoint": "latest", "params": params})
        found = pointers(answer)
        assert list(found) == [pointer]
        assert words in found[pointer]
    more = {name: value + 70_000 for name, value in params.items()}
    answer = alice.post(f"/v1/jobs/{finished.id}/retry", json={"checkpoint": "latest", "params": more})
    assert answer.status_code == 201
    assert alice.post(f"/v1/jobs/{finished.id}/retry", json={"params": params}).status_code == 201  # from scratch


def test_a_checkpoint_beyond_the_budget_is_refused_though_its_events_are_gone(
    finished: Finished, alice: Person, stores: Stores, pointers: Pointers
) -> None:
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE artifacts SET epoch = 3 WHERE kind = 'checkpoint'")
    answer = alice.post(f"/v1/jobs/{finished.id}/retry", json={"checkpoint": "latest", "params": {"epochs": 2}})
    assert list(pointers(answer)) == ["/params/epochs"]


def test_a_plan_counts_the_images_that_are_left(finished: Finished, alice: Person, stores: Stores) -> None:
    ends_epoch_two(stores, finished.id)
    who = stores.accounts.keys.authenticate(alice.key)
    assert who is not None
    ended = stores.jobs.ended(finished.id, who)
    asked = Retry(checkpoint="latest", params={"images": 100_000})
    assert again(stores, who, ended, asked).images == 100_000
    assert again(stores, who, ended, asked, planned=True).images == 100_000 - 69_120


def test_a_planned_retry_is_not_stored_and_a_strangers_is_not_found(
    finished: Finished, alice: Person, bob: Person
) -> None:
    address = f"/v1/jobs/{finished.id}/retry?dry_run=true"
    answer = alice.post(address, json={"checkpoint": "latest", "params": {"epochs": 9}})
    assert (answer.status_code, answer.json["id"], answer.json["params"]["epochs"]) == (200, None, 9)
    assert answer.json["queue"] == "cpu"
    assert alice.get(f"/v1/jobs?parent={finished.id}").json["data"] == []
    assert bob.post(address, json={}).status_code == 404


def test_a_grid_is_no_checkpoint_to_start_from(finished: Finished, alice: Person, pointers: Pointers) -> None:
    answer = alice.post(f"/v1/jobs/{finished.id}/retry", json={"checkpoint": finished.grid})
    assert pointers(answer) == {"/checkpoint": "is not a checkpoint of this job; use best, latest or the id of one"}


def test_a_job_without_checkpoints_is_retried_from_zero_alone(alice: Person, pointers: Pointers) -> None:
    job = alice.submit()["id"]
    alice.post(f"/v1/jobs/{job}/cancel")
    answer = alice.post(f"/v1/jobs/{job}/retry", json={"checkpoint": "latest"})
    assert pointers(answer) == {"/checkpoint": "this job has no checkpoint; leave it out to start from scratch"}


def test_a_sampling_job_is_retried_from_the_checkpoint_that_it_had(
    finished: Finished, alice: Person, pointers: Pointers
) -> None:
    drawing = alice.post("/v1/jobs", json={"kind": "sample", "source": {"job": finished.id}, "queue": "cpu"}).json
    alice.post(f"/v1/jobs/{drawing['id']}/cancel")
    again = alice.post(f"/v1/jobs/{drawing['id']}/retry", json={"params": {"count": 4}}).json
    assert (again["parent"], again["source"]) == (drawing["id"], drawing["source"])
    assert again["params"] == {**drawing["params"], "count": 4}
    for body, pointer in (({"checkpoint": "best"}, "/checkpoint"), ({"params": {"count": 0}}, "/params/count")):
        assert list(pointers(alice.post(f"/v1/jobs/{drawing['id']}/retry", json=body))) == [pointer]


def _line(person: Person) -> list[str]:
    waiting = person.get("/v1/jobs?state=queued").json["data"]
    return [job["name"] for job in sorted(waiting, key=lambda job: job["position"])]


def test_a_waiting_job_is_put_first_or_last_of_its_owners_with_its_priority(alice: Person) -> None:
    ids = {name: alice.submit(name=name)["id"] for name in "abcd"}
    alice.ask("PATCH", f"/v1/jobs/{ids['d']}", json={"priority": 5})
    for body in ({"order": "first"}, {"order": "first"}):
        assert alice.ask("PATCH", f"/v1/jobs/{ids['c']}", json=body).status_code == 200
        assert _line(alice) == ["d", "c", "a", "b"]
    alice.ask("PATCH", f"/v1/jobs/{ids['a']}", json={"order": "last"})
    assert _line(alice) == ["d", "c", "b", "a"]
    alice.ask("PATCH", f"/v1/jobs/{ids['a']}", json={"order": "first", "priority": 5})
    assert _line(alice) == ["a", "d", "c", "b"]
    # What comes later comes behind what was put last.
    alice.ask("PATCH", f"/v1/jobs/{ids['c']}", json={"order": "last"})
    alice.submit(name="e")
    assert _line(alice) == ["a", "d", "b", "c", "e"]


def test_only_a_job_that_waits_has_a_place(finished: Finished, alice: Person, pointers: Pointers) -> None:
    answer = alice.ask("PATCH", f"/v1/jobs/{finished.id}", json={"order": "first"})
    assert (answer.status_code, answer.json["state"]) == (409, "succeeded")
    for wrong in ("middle", None, 1):
        assert list(pointers(alice.ask("PATCH", f"/v1/jobs/{finished.id}", json={"order": wrong}))) == ["/order"]
