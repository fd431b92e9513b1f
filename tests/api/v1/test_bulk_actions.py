"""POST /v1/jobs/bulk"""

from __future__ import annotations

from typing import Any

import pytest

from stores.container import Stores
from stores.jobs.batches import BATCH
from tests.api.conftest import TRAIN, Bench, Person, Pointers


def _bulk(person: Person, action: str, expected: int, *, key: str | None = None, **more: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"action": action, "filter": {}, "expected": expected, **more}
    return person.post("/v1/jobs/bulk", json=body, headers=headers)


def _states(person: Person) -> list[str]:
    return sorted(job["state"] for job in person.get("/v1/jobs?limit=100").json["data"])


def test_the_jobs_of_a_filter_are_canceled_and_no_others(alice: Person, bob: Person, bench: Bench) -> None:
    running = alice.submit(labels={"team": "a"})["id"]
    bench.claim()
    for team in ("a", "a", "b"):
        alice.submit(labels={"team": team})
    bob.submit(labels={"team": "a"})
    answer = _bulk(alice, "cancel", 3, filter={"label": "team=a"})
    assert answer.status_code == 202
    assert answer.json == {"matched": 3, "changed": 3, "unchanged": 0, "problems": []}
    assert _states(alice) == ["canceled", "canceled", "queued", "running"]
    assert alice.get(f"/v1/jobs/{running}").json["pending_action"] == "cancel"
    assert _states(bob) == ["queued"]
    # Asked again, the same order finds the same jobs, and nothing left to do.
    again = _bulk(alice, "cancel", 3, filter={"label": ["team=a"]})
    assert again.json == {"matched": 3, "changed": 0, "unchanged": 3, "problems": []}


def test_another_number_than_expected_changes_nothing_and_tells_the_true_one(alice: Person) -> None:
    for _ in range(3):
        alice.submit()
    for expected in (0, 2, 4):
        answer = _bulk(alice, "cancel", expected)
        assert (answer.status_code, answer.json["code"], answer.json["matched"]) == (409, "conflict", 3)
        assert answer.json["detail"] == f"the filter matches 3 jobs, not {expected}"
    assert _states(alice) == ["queued"] * 3


def test_pause_and_resume_leave_alone_what_cannot(alice: Person, bench: Bench) -> None:
    for _ in range(4):
        alice.submit()
    bench.finish(bench.claim())
    bench.claim()
    answer = _bulk(alice, "pause", 4, filter={"kind": "train"}).json
    assert answer == {"matched": 4, "changed": 3, "unchanged": 1, "problems": []}
    assert _states(alice) == ["paused", "paused", "running", "succeeded"]
    assert _bulk(alice, "resume", 4).json["changed"] == 3  # the one that runs is let go on
    assert _states(alice) == ["queued", "queued", "running", "succeeded"]


def test_many_get_another_priority(alice: Person) -> None:
    first = alice.submit(priority=3)["id"]
    alice.submit()
    ended = alice.submit(priority=1)["id"]
    alice.post(f"/v1/jobs/{ended}/cancel")
    answer = _bulk(alice, "reprioritize", 3, priority=3).json
    assert answer == {"matched": 3, "changed": 1, "unchanged": 2, "problems": []}
    assert sorted(job["priority"] for job in alice.get("/v1/jobs").json["data"]) == [1, 3, 3]
    assert alice.get(f"/v1/jobs/{first}").json["priority"] == 3


def test_many_are_retried_and_the_same_key_repeats_the_answer(alice: Person) -> None:
    ended = [alice.submit()["id"] for _ in range(3)]
    _bulk(alice, "cancel", 3)
    first = _bulk(alice, "retry", 3, key="once more", filter={"state": "canceled"})
    assert first.json == {"matched": 3, "changed": 3, "unchanged": 0, "problems": []}
    second = _bulk(alice, "retry", 3, key="once more", filter={"state": "canceled"})
    assert (second.status_code, second.json) == (202, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    jobs = alice.get("/v1/jobs?state=queued").json["data"]
    assert sorted(job["parent"] for job in jobs) == sorted(ended)


def test_a_bulk_retry_leaves_alone_what_has_not_ended(alice: Person) -> None:
    ended = alice.submit()["id"]
    alice.post(f"/v1/jobs/{ended}/cancel")
    alice.submit()
    assert _bulk(alice, "retry", 2).json == {"matched": 2, "changed": 1, "unchanged": 1, "problems": []}
    assert [job["parent"] for job in alice.get("/v1/jobs").json["data"]] == [ended, None, None]


def test_a_bulk_retry_that_broke_in_the_middle_does_the_rest(alice: Person, stores: Stores) -> None:
    for _ in range(3):
        alice.submit()
    _bulk(alice, "cancel", 3)
    _bulk(alice, "retry", 3, key="k", filter={"state": "canceled"})
    # As if the answer was never given, and the last retry never made.
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM idempotency WHERE job_id IS NULL")
        connection.exec_driver_sql("DELETE FROM idempotency WHERE job_id = (SELECT max(job_id) FROM idempotency)")
    assert _bulk(alice, "retry", 3, key="k", filter={"state": "canceled"}).json["changed"] == 1


def test_more_jobs_than_one_transaction_takes_are_all_changed(alice: Person, stores: Stores) -> None:
    alice.submit()
    count = 2 * BATCH + 1
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO jobs "
            "(id, owner, kind, recipe, dataset_id, params, seed, queue, max_attempts, state, last_seq) "
            "SELECT id || n, owner, kind, recipe, dataset_id, params, seed, queue, max_attempts, state, 0 "
            f"FROM jobs, generate_series(2, {count}) n"
        )
    assert _bulk(alice, "cancel", count).json == {"matched": count, "changed": count, "unchanged": 0, "problems": []}
    with stores.infra.engine.connect() as connection:
        counts = connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM jobs WHERE state = 'canceled' AND finished_at IS NOT NULL), "
            "(SELECT count(*) FROM events WHERE data->>'to' = 'canceled'), "
            "(SELECT count(*) FROM audit WHERE action = 'job.cancel'), "
            "(SELECT count(*) FROM jobs j WHERE last_seq <> (SELECT max(seq) FROM events e WHERE e.job_id = j.id))"
        ).one()
    assert tuple(counts) == (count, count, count, 0)


def test_an_admin_means_everybodys_jobs(alice: Person, bob: Person, admin: Person) -> None:
    alice.submit()
    bob.submit()
    assert _bulk(admin, "cancel", 2).json["changed"] == 2
    assert _states(bob) == ["canceled"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "explode"}, "/action"),
        ({"expected": -1}, "/expected"),
        ({"expected": None}, "/expected"),
        ({"filter": None}, "/filter"),
        ({"filter": {"owners": "bob"}}, "/filter/owners"),
        ({"filter": {"state": "dreaming"}}, "/filter/state/0"),
        ({"filter": {"state": ["queued", 5]}}, "/filter/state/1"),
        ({"filter": {"label": "team"}}, "/filter/label/0"),
        ({"filter": {"created_after": "yesterday"}}, "/filter/created_after"),
        ({"filter": {"created_after": 5}}, "/filter/created_after"),
        ({"priority": 3}, "/priority"),
        ({"action": "reprioritize"}, "/priority"),
        ({"action": "reprioritize", "priority": 101}, "/priority"),
    ],
)
def test_what_is_wrong_is_named(alice: Person, pointers: Pointers, body: dict[str, Any], pointer: str) -> None:
    alice.submit()
    order = {"action": "cancel", "filter": {}, "expected": 1, **body}
    assert list(pointers(alice.post("/v1/jobs/bulk", json=order))) == [pointer]
    assert _states(alice) == ["queued"]


def test_every_filter_of_the_list_narrows_an_order(alice: Person, bench: Bench) -> None:
    job = alice.submit(labels={"a": "1"})
    others = {"state": "running", "recipe": "wgan", "queue": "gpu", "kind": "sample", "label": "a=2"}
    others |= {"parent": job["id"], "created_before": job["created_at"], "created_after": "2999-01-01T00:00:00Z"}
    for name, value in others.items():
        assert _bulk(alice, "cancel", 1, filter={name: value}).json["matched"] == 0, name
    mine = {"state": ["queued", "running"], "recipe": TRAIN["recipe"], "queue": "cpu", "kind": ["train"]}
    mine |= {"label": "a:1", "created_after": "2020-01-01T00:00:00Z"}
    assert _bulk(alice, "cancel", 1, filter=mine).json["changed"] == 1
