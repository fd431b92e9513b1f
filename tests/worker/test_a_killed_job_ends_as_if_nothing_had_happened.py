"""kill -9 of the trainer, the supervisor or the spare in the middle of a job: the weights are those of a calm run."""

from __future__ import annotations

import os
import signal

import pytest

from tests.chaos import undisturbed_run as calm_run
from tests.waiting import ended, until

# Checkpoints come often, so that a kill falls between two of them; steps are many, so that it falls into the run.
PARAMS = {"width": 8, "epochs": 10, "checkpoint_every": {"steps": 100}, "grid_every": {"epochs": 10}}

SPARE = {"GANFORGE_SPARE_TRAINER": "true"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> dict[str, str]:
    """Return the checksums of the weights of the same run in a bare process that nothing disturbs."""
    return calm_run.weights(tmp_path_factory.mktemp("calm"), PARAMS, seed=1)


@pytest.fixture
def weights(stores):
    """Return a function that gives the checksums of a job's weights by name."""

    def read(job_id: str) -> dict[str, str]:
        return {art["name"]: art["sha256"] for art in stores.queries.jobs.artifacts(job_id, ["weights"], 10, None)}

    return read


def _finish(stores, job_id: str, timeout: float = 90):
    return until(lambda: ended(stores, job_id), timeout, "the end of the job")


def _has_checkpoint(stores, job_id: str):
    return stores.queries.jobs.checkpoints(job_id)


def test_after_kill_9_of_the_trainer(fleet, stores, submit, weights, calm):
    fleet.supervisor(**SPARE)
    fleet.sweeper()
    job_id = submit(params=PARAMS)
    until(lambda: _has_checkpoint(stores, job_id), 60)
    for trainer in fleet.trainers():  # the spare, if one waits, must not matter either
        os.kill(trainer.pid, signal.SIGKILL)
    job = _finish(stores, job_id)

    assert job["state"] == "succeeded", (job, fleet.logs())
    first, second = stores.queries.jobs.attempts(job_id)
    assert (first["outcome"], second["outcome"]) == ("crashed", "succeeded")
    assert second["start_step"] > 0
    assert weights(job_id) == calm
    assert len(calm) == 2


def test_after_kill_9_of_the_supervisor(fleet, stores, submit, weights, calm):
    first = fleet.supervisor(**SPARE)
    fleet.sweeper()
    job_id = submit(params=PARAMS)
    until(lambda: _has_checkpoint(stores, job_id), 60)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not fleet.trainers(), 60, "the end of the trainers of a dead supervisor")
    fleet.supervisor(**SPARE)
    job = _finish(stores, job_id)

    assert job["state"] == "succeeded", (job, fleet.logs())
    assert [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)] == ["lost", "succeeded"]
    assert weights(job_id) == calm
    events = stores.events.page(job_id, 0, 1000)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_after_sigterm_the_worker_gives_the_job_back_and_another_goes_on(fleet, stores, submit, weights, calm):
    first = fleet.supervisor(**SPARE)
    job_id = submit(params=PARAMS)
    until(lambda: stores.queries.jobs.job(job_id, None)["progress"]["step"] > 0, 60)
    first.terminate()
    first.wait(60)
    job = stores.queries.jobs.job(job_id, None)
    assert (job["state"], first.returncode) == ("queued", 0), fleet.logs()
    assert _has_checkpoint(stores, job_id)[0]["step"] == job["progress"]["step"]

    fleet.supervisor(**SPARE)
    job = _finish(stores, job_id)
    assert job["state"] == "succeeded", (job, fleet.logs())
    assert [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)] == ["interrupted", "succeeded"]
    assert weights(job_id) == calm


def test_a_killed_spare_costs_no_job_anything(fleet, stores, submit):
    fleet.supervisor(**SPARE)
    (spare,) = until(fleet.trainers, 60, "a trainer started ahead")
    os.kill(spare.pid, signal.SIGKILL)
    job_id = submit()
    job = _finish(stores, job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 1), fleet.logs()


def test_a_job_that_dies_at_every_attempt_fails_with_the_last_log_lines(fleet, stores, submit):
    fleet.supervisor(**SPARE)
    fleet.sweeper()
    job_id = submit(params={"epochs": 5000}, max_attempts=2)
    for number in (1, 2):
        until(lambda n=number: stores.queries.jobs.job(job_id, None)["attempt"] == n, 60)
        until(lambda: stores.queries.jobs.job(job_id, None)["progress"]["step"] > 0, 60)
        until(lambda n=number: _kill_running(fleet, stores, job_id, n), 60)
    job = _finish(stores, job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "too_many_attempts")
    assert "SIGKILL" in job["error"]["detail"]


def _kill_running(fleet, stores, job_id: str, number: int) -> bool:
    """Kill the trainers until this attempt has ended."""
    for trainer in fleet.trainers():
        os.kill(trainer.pid, signal.SIGKILL)
    return stores.queries.jobs.attempts(job_id)[number - 1]["ended_at"] is not None
