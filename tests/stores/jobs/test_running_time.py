"""How long a job ran: its attempts together, without what it waited or was paused between them."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import text

from models.states import Outcome
from stores.accounts.audit import Local
from stores.jobs.filter import JobFilter
from stores.jobs.transitions import Ending
from stores.queries.jobs_in_order import JobOrder

# The attempt that is under way began this long ago.
BEGAN = text("UPDATE attempts SET started_at = now() - make_interval(secs => :ago) WHERE job_id = :job AND number = :n")


@pytest.fixture
def attempt(stores, worker):
    """Return a function that makes an attempt of some seconds at the next job, and ends it."""

    def make(seconds: float, outcome: Outcome = Outcome.succeeded) -> str:
        claim = stores.jobs.claim("cpu", worker, "cpu")
        with stores.infra.engine.begin() as connection:
            connection.execute(BEGAN, {"ago": seconds, "job": claim.job_id, "n": claim.attempt})
        if outcome is Outcome.paused:
            stores.jobs.pause(claim.job_id, Local("alice"))
        stores.jobs.finish(claim, Ending(outcome))
        return claim.job_id

    return make


def job(stores, job_id):
    return stores.queries.jobs.job(job_id, None)


def test_a_pause_between_two_attempts_does_not_count(stores, new_job, attempt):
    made = stores.jobs.submit(new_job())[0]["id"]
    assert job(stores, made)["ran_s"] is None
    attempt(20, Outcome.paused)
    assert job(stores, made)["ran_s"] == pytest.approx(20, abs=1)
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET started_at = now() - interval '1 day'"))
        connection.execute(text("UPDATE attempts SET started_at = started_at - interval '1 day', "
                                "ended_at = ended_at - interval '1 day'"))  # fmt: skip
    stores.jobs.resume(made, Local("alice"))
    attempt(40)
    assert job(stores, made)["ran_s"] == pytest.approx(60, abs=1)
    assert stores.queries.jobs.run_seconds([made])[made] == pytest.approx(job(stores, made)["ran_s"])


def test_lists_by_duration_go_by_the_time_that_jobs_ran(stores, new_job, attempt):
    made = [stores.jobs.submit(new_job(name=name))[0]["id"] for name in ("long", "short, long ago")]
    assert [attempt(50), attempt(5)] == made
    with stores.infra.engine.begin() as connection:
        long_ago = "UPDATE jobs SET started_at = now() - interval '1 day' WHERE name = 'short, long ago'"
        connection.execute(text(long_ago))
    by_duration = stores.queries.jobs.jobs_in_order(JobFilter(), JobOrder("duration", falling=True), 9, None)
    assert [one["id"] for one in by_duration] == made


def test_the_migration_fills_in_the_time_of_jobs_that_have_ended(stores, new_job, attempt):
    stores.jobs.submit(new_job())
    ended = attempt(30)
    fill = import_module("migrations.versions.0040_running_time_of_ended_jobs").FILL
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET ran = NULL"))
        connection.execute(text(fill))
    assert job(stores, ended)["ran_s"] == pytest.approx(30, abs=1)
