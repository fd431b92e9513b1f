"""A full disk and a stranger's signal end an attempt, not the job: the next attempt goes on, to the same weights."""

from __future__ import annotations

import psutil
import pytest

from tests.chaos import undisturbed_run
from tests.waiting import until

LONG = {**undisturbed_run.PARAMS, "epochs": 12, "grid_every": {"epochs": 12}}


@pytest.fixture
def training(fleet, stores, submit):
    """Return a job that is training, and its trainer."""
    fleet.supervisor()
    fleet.sweeper()
    job_id = submit(params=LONG)
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")
    (trainer,) = fleet.trainers()
    return job_id, trainer


def _end(stores, job_id: str):
    return until(
        lambda: (job := stores.queries.jobs.job(job_id, None))["finished_at"] and job, 90, "the end of the job"
    )


def _outcomes(stores, job_id: str) -> list[str]:
    return [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)]


def test_a_full_disk_ends_the_attempt_and_the_job_goes_on_when_there_is_room(fleet, stores, training):
    job_id, trainer = training
    trainer.rlimit(psutil.RLIMIT_FSIZE, (4096, 4096))
    job = _end(stores, job_id)
    assert (job["state"], _outcomes(stores, job_id)) == ("succeeded", ["crashed", "succeeded"]), fleet.logs()
    first, second = stores.queries.jobs.attempts(job_id)
    assert "scratch folder is full" in first["error"]["detail"]
    assert second["start_step"] > 0


def test_a_trainer_that_a_stranger_stops_gives_the_job_back_without_using_up_an_attempt(fleet, stores, training):
    job_id, trainer = training
    trainer.terminate()
    job = _end(stores, job_id)
    assert (job["state"], _outcomes(stores, job_id)) == ("succeeded", ["interrupted", "succeeded"]), fleet.logs()
    assert stores.queries.jobs.attempts(job_id)[1]["start_step"] > 0
