"""The broker is killed and comes back with nothing: queued jobs run, running jobs go on, nobody notices."""

from __future__ import annotations

from tests.waiting import ended, until


def _attempts(stores, job_id: str):
    return [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)]


def test_queued_and_running_jobs_survive_a_broker_that_forgets_everything(services, fleet, stores, submit):
    fleet.supervisor()
    fleet.sweeper()
    running = submit(params={"epochs": 10, "grid_every": {"epochs": 10}})
    until(lambda: stores.queries.jobs.job(running, None)["progress"]["step"] > 0, 60)
    waiting = [submit(params={"epochs": 1}) for _ in range(2)]

    services.kill("valkey")
    unheard = submit(params={"epochs": 1})
    services.restart("valkey")

    for job_id in (running, *waiting, unheard):
        job = until(lambda job_id=job_id: ended(stores, job_id), 60)
        assert job["state"] == "succeeded", (job, fleet.logs())
        assert _attempts(stores, job_id) == ["succeeded"]


def test_an_idle_worker_hears_again_after_the_broker_came_back(services, fleet, stores, submit):
    fleet.supervisor()
    fleet.sweeper()
    until(lambda: stores.queries.jobs.live_queues(15), 60)
    services.kill("valkey")
    job_id = submit(params={"epochs": 1})
    services.restart("valkey")
    job = until(lambda: ended(stores, job_id), 60)
    assert job["state"] == "succeeded", fleet.logs()
