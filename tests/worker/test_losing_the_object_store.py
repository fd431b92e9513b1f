"""The object store is away: training goes on, files wait on the disk, and are stored in order when it is back."""

from __future__ import annotations

import time

import pytest

from stores.accounts.audit import Local
from tests.waiting import until

# So many that the outage falls into the training, whatever the machine.
PARAMS = {"epochs": 100_000, "checkpoint_every": {"seconds": 2}, "grid_every": {"epochs": 100_000}}


def _step(stores, job_id: str) -> int:
    return stores.queries.jobs.job(job_id, None)["progress"].get("step", 0)


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.timeout(240)
def test_training_goes_on_and_uploads_catch_up(services, fleet, stores, submit, seconds):
    fleet.supervisor()
    fleet.sweeper()
    job_id = submit(params=PARAMS)
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")

    services.kill("s3")
    try:
        away_at, away_since = _step(stores, job_id), time.monotonic()
        until(lambda: time.monotonic() - away_since > seconds, seconds + 10, "the end of the outage")
        until(lambda: _step(stores, job_id) > away_at, what="training while the store is away")
        trained = _step(stores, job_id)
        newest = stores.queries.jobs.checkpoints(job_id)[0]["step"]
    finally:
        services.restart("s3")
    assert newest <= away_at + 1000
    until(lambda: stores.queries.jobs.checkpoints(job_id)[0]["step"] >= trained, 60, "the uploads")

    assert stores.queries.jobs.job(job_id, None)["attempt"] == 1
    made = [event["data"]["step"] for event in stores.events.page(job_id, 0, 100_000) if event["type"] == "checkpoint"]
    assert made == sorted(set(made))
    assert len(made) > seconds / 4
    # A job that runs replaces its checkpoints while we look at them.
    stores.jobs.pause(job_id, Local("alice"))
    until(lambda: stores.queries.jobs.job(job_id, None)["state"] == "paused", 60, "the pause")
    for row in stores.queries.jobs.checkpoints(job_id):
        _, key = stores.queries.jobs.artifact(row["id"], None)
        assert sum(len(piece) for piece in stores.infra.blobs.stream(key)) == row["bytes"]
