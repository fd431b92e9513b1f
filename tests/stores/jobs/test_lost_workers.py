"""A lease that runs out puts the job back; attempts that die are counted, interruptions are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from models.states import ErrorCode, Outcome, State
from stores.accounts.audit import Local
from stores.jobs.transitions import Ending


@pytest.fixture
def expire(stores):
    def run_out(job_id: str) -> None:
        with stores.infra.engine.begin() as connection:
            connection.execute(
                text("UPDATE jobs SET lease_until = now() - interval '1 s', run_after = now() WHERE id = :id"),
                {"id": job_id},
            )

    return run_out


@pytest.fixture
def run_now(stores):
    def forget_back_off(job_id: str) -> None:
        with stores.infra.engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET run_after = now() WHERE id = :id"), {"id": job_id})

    return forget_back_off


def test_an_expired_lease_puts_the_job_back_and_says_why(stores, new_job, worker, expire):
    view, _ = stores.jobs.submit(new_job())
    stores.jobs.claim("cpu", worker, "cpu")
    assert stores.jobs.expire_leases() == []
    expire(view["id"])

    assert stores.jobs.expire_leases() == [(view["id"], State.queued)]

    job = stores.queries.jobs.job(view["id"], None)
    assert (job["state"], job["reason"], job["worker"]) == ("queued", "worker_lost", None)
    (attempt,) = stores.queries.jobs.attempts(view["id"])
    assert (attempt["outcome"], attempt["error"]["code"]) == ("lost", "worker_lost")


def test_a_job_that_kills_its_workers_stops_after_max_attempts(stores, new_job, worker, expire, run_now):
    view, _ = stores.jobs.submit(new_job(max_attempts=2))
    for _ in range(2):
        run_now(view["id"])
        assert stores.jobs.claim("cpu", worker, "cpu") is not None
        expire(view["id"])
        stores.jobs.expire_leases()

    job = stores.queries.jobs.job(view["id"], None)
    assert (job["state"], job["error"]["code"], job["attempt"]) == ("failed", "too_many_attempts", 2)
    assert "2 of 2 attempts died" in job["error"]["detail"]


def test_a_job_whose_last_attempt_stalls_fails_as_stalled(stores, new_job, worker, run_now):
    view, _ = stores.jobs.submit(new_job(max_attempts=2))
    stalled = Ending(Outcome.stalled, "no progress", ErrorCode.stalled, "no progress for 61 s")
    assert stores.jobs.finish(stores.jobs.claim("cpu", worker, "cpu"), stalled) is State.queued
    run_now(view["id"])
    assert stores.jobs.finish(stores.jobs.claim("cpu", worker, "cpu"), stalled) is State.failed

    job = stores.queries.jobs.job(view["id"], None)
    assert (job["error"]["code"], job["attempt"]) == ("stalled", 2)
    assert "2 of 2 attempts died; the last one: no progress for 61 s" in job["error"]["detail"]
    assert [one["outcome"] for one in stores.queries.jobs.attempts(view["id"])] == ["stalled", "stalled"]


def test_shutdowns_do_not_use_up_attempts(stores, new_job, worker):
    view, _ = stores.jobs.submit(new_job(max_attempts=1))
    for _ in range(5):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        assert stores.jobs.finish(claim, Ending(Outcome.interrupted, "worker shut down")) is State.queued

    claim = stores.jobs.claim("cpu", worker, "cpu")
    assert claim.attempt == 6
    dead = Ending(Outcome.crashed, "trainer ended by SIGKILL", ErrorCode.internal, "SIGKILL")
    assert stores.jobs.finish(claim, dead) is State.failed
    assert stores.queries.jobs.job(view["id"], None)["error"]["code"] == "too_many_attempts"


def test_a_job_that_died_waits_a_moment_before_it_runs_again(stores, new_job, worker):
    stores.jobs.submit(new_job())
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(claim, Ending(Outcome.crashed, "trainer ended by SIGKILL", ErrorCode.internal, "SIGKILL"))

    assert stores.jobs.claim("cpu", worker, "cpu") is None
    with stores.infra.engine.connect() as connection:
        wait = float(connection.scalar(text("SELECT extract(epoch FROM run_after - now()) FROM jobs")))
    assert 0.0 < wait < 0.76


def test_a_lost_job_that_somebody_wanted_to_cancel_is_canceled(stores, new_job, worker, expire):
    view, _ = stores.jobs.submit(new_job())
    stores.jobs.claim("cpu", worker, "cpu")
    assert stores.jobs.cancel(view["id"], Local("alice")) is True
    expire(view["id"])

    assert stores.jobs.expire_leases() == [(view["id"], State.canceled)]


def test_two_sweepers_end_each_lost_attempt_once(stores, new_job, worker):
    for _ in range(20):
        stores.jobs.submit(new_job())
        stores.jobs.claim("cpu", worker, "cpu")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 s'"))

    with ThreadPoolExecutor(2) as pool:
        ended = [future.result() for future in [pool.submit(stores.jobs.expire_leases) for _ in range(2)]]

    ids = [job_id for half in ended for job_id, _ in half]
    assert len(ids) == len(set(ids)) == 20


def test_the_bell_rings_again_only_for_an_idle_worker_with_work_waiting(stores, new_job, worker):
    assert stores.jobs.ring_again(15, grace_s=0) == []
    stores.jobs.submit(new_job())
    assert stores.jobs.ring_again(15, grace_s=0) == ["cpu"]
    assert stores.jobs.ring_again(15, grace_s=60) == []

    stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.submit(new_job())
    assert stores.jobs.ring_again(15, grace_s=0) == []
