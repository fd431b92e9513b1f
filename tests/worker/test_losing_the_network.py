"""A worker whose network is cut trains on for a while, then stops cleanly; its job goes on elsewhere, to its end."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from tests.waiting import ended, until
from tests.worker.breakable_network import Cable

LEASE_S = 1.0
SILENT_LEASES = 10


@pytest.fixture
def cables(services):
    """Return a cable to each server, by the server's name."""
    made = {name: Cable(port) for name, port in services.ports.items()}
    yield made
    for cable in made.values():
        cable.pull()


@pytest.fixture
def far(fleet, cables):
    """Return the settings of a worker that reaches the servers through the cables alone."""
    servers = {"GANFORGE_DATABASE_URL": "postgres", "GANFORGE_REDIS_URL": "valkey", "GANFORGE_S3_URL": "s3"}
    through = {}
    for setting, name in servers.items():
        address = fleet.environment[setting]
        through[setting] = address.replace(f":{urlsplit(address).port}", f":{cables[name].port}")
    return {**through, "GANFORGE_WORKER_NAME": "far", "GANFORGE_LEASE_S": str(LEASE_S), "GANFORGE_RENEW_S": "0.2"}


def test_a_worker_without_a_network_stops_its_trainer_and_takes_jobs_again_when_it_is_back(
    fleet, stores, submit, cables, far
):
    fleet.supervisor(**far)
    fleet.sweeper()
    job_id = submit(params={"epochs": 100_000, "checkpoint_every": {"steps": 200}})
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")
    (trainer,) = fleet.trainers()

    for cable in cables.values():
        cable.pull()
    cut = time.monotonic()
    until(lambda: stores.queries.jobs.job(job_id, None)["state"] == "queued", 60, "the end of the lease")
    assert trainer.is_running(), "it trains on, for the database may be away for everybody"
    until(lambda: not trainer.is_running(), 60, "the end of the trainer")
    # Counted from the last answer, which came at most one look before the cut.
    assert SILENT_LEASES * LEASE_S - 0.7 < time.monotonic() - cut < SILENT_LEASES * LEASE_S + 30

    for cable in cables.values():
        cable.put_back()
    until(lambda: stores.queries.jobs.job(job_id, None)["attempt"] == 2, 60, "the next attempt")
    until(lambda: stores.queries.jobs.attempts(job_id)[1]["start_step"], 60, "its start")
    first, second = stores.queries.jobs.attempts(job_id)
    assert first["outcome"] == "lost"
    assert second["start_step"] > 0


def test_another_worker_goes_on_meanwhile_and_the_one_that_comes_back_writes_nothing(
    fleet, stores, submit, cables, far
):
    fleet.supervisor(**far)
    fleet.sweeper()
    job_id = submit(params={"epochs": 24, "checkpoint_every": {"steps": 100}, "grid_every": {"epochs": 24}})
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")
    for cable in cables.values():
        cable.pull()
    fleet.supervisor(GANFORGE_WORKER_NAME="near")
    until(lambda: stores.queries.jobs.job(job_id, None)["attempt"] == 2, 60, "the attempt of the other")
    for cable in cables.values():
        cable.put_back()
    job = until(lambda: ended(stores, job_id), 90, "the end of the job")
    assert job["state"] == "succeeded", fleet.logs()
    assert [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)] == ["lost", "succeeded"]
    told = [event["attempt"] for event in stores.events.page(job_id, 0, 10_000)]
    assert told == sorted(told)
