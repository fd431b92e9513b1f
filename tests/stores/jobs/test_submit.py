"""Submitting stores exactly one job, with its first event, or nothing."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models.ids import new_id
from models.states import Outcome
from stores.accounts.audit import Entry, Local
from stores.infra.errors import (
    ConflictError,
    IdempotencyBusyError,
    IdempotencyMismatchError,
    InvalidTransitionError,
    NotFoundError,
)
from stores.jobs import insert
from stores.jobs.filter import JobFilter
from stores.jobs.idempotency import Request
from stores.jobs.transitions import Ending
from tests.waiting import until

DATABASE = "datname = current_database()"


def _request(key: str, body: bytes = b"{}") -> Request:
    return Request(key, hashlib.sha256(body).digest())


def test_the_same_key_and_body_give_the_stored_answer_and_one_job(stores, new_job, worker):
    first, replayed = stores.jobs.submit(new_job(), _request("a"))
    assert replayed is False
    stores.jobs.claim("cpu", worker, "cpu")

    second, replayed = stores.jobs.submit(new_job(), _request("a"))

    assert replayed is True
    assert second == first
    assert _count(stores, "jobs") == 1


def test_the_same_key_with_another_body_is_refused(stores, new_job):
    stores.jobs.submit(new_job(), _request("a"))
    with pytest.raises(IdempotencyMismatchError):
        stores.jobs.submit(new_job(), _request("a", b"[]"))
    assert _count(stores, "jobs") == 1


def test_the_same_key_of_another_owner_is_another_key(stores, new_job):
    stores.jobs.submit(new_job(), _request("a"))
    _, replayed = stores.jobs.submit(new_job(owner="bob"), _request("a", b"[]"))
    assert replayed is False


def test_many_requests_with_one_key_at_once_make_one_job(stores, new_job):
    barrier = Barrier(8)

    def submit() -> str:
        barrier.wait(60)
        try:
            view, _ = stores.jobs.submit(new_job(), _request("race"))
        except IdempotencyBusyError:
            return "busy"
        return str(view["id"])

    with ThreadPoolExecutor(8) as pool:
        answers = {future.result() for future in [pool.submit(submit) for _ in range(8)]}

    assert len(answers - {"busy"}) == 1
    assert _count(stores, "jobs") == 1


def test_an_answer_is_not_stored_when_another_request_was_faster_with_the_key(stores, new_job):
    """The look-up can miss the answer of a request that ends while the lock is taken; then the primary key decides."""
    first, _ = stores.jobs.submit(new_job(), _request("a"))
    late = {**first, "id": new_id("job")}
    with stores.infra.engine.connect() as connection:
        line = (Local("alice"), Entry("job.create", late["id"]))
        stored = insert.store(connection, new_job(), late, line, _request("a"), None)
    assert stored.key is None


def test_an_answer_is_forgotten_after_72_hours(stores, new_job):
    stores.jobs.submit(new_job(), _request("a"))
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE idempotency SET created_at = now() - interval '73 hours'"))
    _, replayed = stores.jobs.submit(new_job(), _request("a", b"[]"))
    assert replayed is False
    assert _count(stores, "jobs") == 2


def test_position_counts_the_jobs_that_run_before(stores, new_job):
    first, _ = stores.jobs.submit(new_job())
    second, _ = stores.jobs.submit(new_job())
    urgent, _ = stores.jobs.submit(new_job(priority=1))
    elsewhere, _ = stores.jobs.submit(new_job(queue="gpu"))

    positions = [stores.queries.jobs.job(view["id"], None)["position"] for view in (urgent, first, second, elsewhere)]

    assert positions == [1, 2, 3, 1]


def test_a_job_is_stored_though_the_broker_is_away(stores, new_job, monkeypatch):
    from stores.accounts.quotas import Guard
    from stores.events.bus import Bus
    from stores.infra.broker import Bell, make_celery
    from stores.infra.settings import Settings
    from stores.jobs.commands import Commands

    away = Settings(redis_url="redis://127.0.0.1:1/0")
    client = redis.Redis.from_url("redis://127.0.0.1:1/0")
    verbs = Commands(stores.infra.engine, Bus(client), Bell(make_celery(away)), Guard(away), stores.fleet.alive_s)

    view, _ = verbs.submit(new_job())

    assert stores.queries.jobs.job(view["id"], None)["state"] == "queued"


def test_canceling_a_waiting_job_ends_it_and_a_second_time_changes_nothing(stores, new_job):
    view, _ = stores.jobs.submit(new_job())
    assert stores.jobs.cancel(view["id"], Local("alice")) is True
    assert stores.jobs.cancel(view["id"], Local("alice")) is False
    job = stores.queries.jobs.job(view["id"], None)
    assert (job["state"], job["last_seq"]) == ("canceled", 2)


def test_canceling_a_finished_job_is_refused_with_its_state(stores, new_job, worker):
    view, _ = stores.jobs.submit(new_job())
    stores.jobs.finish(stores.jobs.claim("cpu", worker, "cpu"), Ending(Outcome.succeeded))
    with pytest.raises(InvalidTransitionError) as caught:
        stores.jobs.cancel(view["id"], Local("alice"))
    assert (caught.value.state, caught.value.allowed) == ("succeeded", ("retry",))


def test_a_stranger_cannot_cancel(stores, new_job):
    view, _ = stores.jobs.submit(new_job())
    with pytest.raises(NotFoundError):
        stores.jobs.cancel(view["id"], Local("bob"))


@pytest.mark.parametrize(
    "change",
    [
        "state = 'running'",
        "state = 'succeeded'",
        "state = 'failed', finished_at = now()",
        "state = 'dreaming'",
        "priority = 101",
        "seed = -1",
        "pending_action = 'cancel'",
        "attempt = 4",
        "dataset_id = NULL",
        "queue = 'tpu'",
    ],
)
def test_the_database_itself_refuses_impossible_rows(stores, new_job, change):
    stores.jobs.submit(new_job())
    with pytest.raises(IntegrityError), stores.infra.engine.begin() as connection:
        connection.execute(text(f"UPDATE jobs SET {change}"))


def _count(stores, table: str) -> int:
    with stores.infra.engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")))


def test_a_list_shows_the_same_positions_as_single_jobs(stores, new_job, worker):
    for priority in (0, 3, 0, -2, 3):
        stores.jobs.submit(new_job(priority=priority))
    stores.jobs.submit(new_job(queue="gpu"))
    stores.jobs.claim("cpu", worker, "cpu")

    listed = stores.queries.jobs.jobs(JobFilter(), 100, None)

    assert [job["position"] for job in listed] == [1, 1, 4, 3, None, 2]
    assert all(stores.queries.jobs.job(job["id"], None)["position"] == job["position"] for job in listed)


@pytest.mark.parametrize(
    ("deletion", "what"),
    [
        ("UPDATE datasets SET deleted_at = now() WHERE id = :dataset", "data set mnist-10k was deleted"),
        ("DELETE FROM artifacts WHERE id = :checkpoint", "checkpoint art_.* was removed"),
    ],
)
def test_a_job_waits_for_a_deletion_under_way_and_is_refused(stores, new_job, leaver, deletion, what):
    checkpoint = leaver.file(leaver.running()).id
    new = new_job(source_artifact=checkpoint)
    waits = text(f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {DATABASE}")
    with ThreadPoolExecutor(1) as thread, stores.infra.engine.connect() as deleting:
        deleting.execute(text("SELECT 1 FROM datasets WHERE id = :id FOR UPDATE"), {"id": new.dataset_id})
        deleting.execute(text(deletion), {"dataset": new.dataset_id, "checkpoint": checkpoint})
        submitted = thread.submit(stores.jobs.submit, new)
        with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as observer:
            until(lambda: observer.scalar(waits), 60, "the wait for the deletion")
        deleting.commit()
        with pytest.raises(ConflictError, match=what):
            submitted.result(60)
    assert _count(stores, "jobs") == 1
