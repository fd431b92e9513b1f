"""Pause, resume, retry and drain through a real worker: what was begun ends as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from api.schemas.bodies import Retry
from api.submit.retries import again
from models.states import Role
from stores.accounts.audit import Local
from stores.accounts.keys import Principal
from tests.waiting import ended, until

# Real trainings, one after the other: on a crowded machine each takes its time.
pytestmark = pytest.mark.timeout(300)
ALICE = Local("alice")
# Epochs enough that an order finds the job under way, also where this process has to wait for its turn.
LONG = {"epochs": 8, "batch_size": 64, "checkpoint_every": {"seconds": 3600}, "grid_every": {"epochs": 8}}


def _state(stores, job_id: str) -> str:
    return str(stores.queries.jobs.job(job_id, None)["state"])


def _weights(stores, job_id: str) -> list[str]:
    found = stores.queries.jobs.artifacts(job_id, ("weights",), 10, None)
    return sorted(artifact["sha256"] for artifact in found)


def _under_way(stores, job_id: str, beyond: int = 0) -> int:
    return until(
        lambda: max(0, stores.queries.jobs.job(job_id, None)["progress"]["step"] - beyond), 60, "its first steps"
    )


@pytest.fixture
def retry(stores):
    """Return a function that retries a job of alice's as the API does, and returns the new one's id."""
    key, _ = stores.accounts.keys.create("laptop", "alice", Role.user)
    who = Principal(key["id"], "alice", Role.user)

    def make(job_id: str, **asked) -> str:
        new = again(stores, who, stores.jobs.ended(job_id, who), Retry(**asked))
        view, _ = stores.jobs.submit(replace(new, queue="cpu"), None, who, changes=asked)
        return str(view["id"])

    return make


def test_a_paused_job_gives_its_device_to_the_next_and_goes_on_to_the_same_weights(standing, stores, submit):
    undisturbed = submit(params=LONG)
    until(lambda: ended(stores, undisturbed), 60)
    paused = submit(params=LONG)
    _under_way(stores, paused)

    assert stores.jobs.pause(paused, ALICE) is True
    assert stores.jobs.pause(paused, ALICE) is False
    next_one = submit(params={"epochs": 1})
    job = until(lambda: stores.queries.jobs.job(paused, None) if _state(stores, paused) == "paused" else None, 60)
    assert stores.queries.jobs.checkpoints(paused)[0]["step"] == job["progress"]["step"], standing.logs()
    assert until(lambda: ended(stores, next_one), 60)["state"] == "succeeded"

    assert stores.jobs.resume(paused, ALICE) is True
    job = until(lambda: ended(stores, paused), 60)
    assert (job["state"], job["attempt"]) == ("succeeded", 2), (job, standing.logs())
    first, second = stores.queries.jobs.attempts(paused)
    assert (first["outcome"], second["outcome"]) == ("paused", "succeeded")
    assert 0 < second["start_step"] < job["progress"]["step"]
    assert _weights(stores, paused) == _weights(stores, undisturbed) != []


def test_a_pause_that_is_taken_back_while_it_is_under_way_lets_the_job_go_on(standing, stores, submit):
    job_id = submit(params=LONG)
    _under_way(stores, job_id)
    assert stores.jobs.pause(job_id, ALICE) is True
    assert stores.jobs.resume(job_id, ALICE) is True
    job = until(lambda: ended(stores, job_id), 60)
    assert job["state"] == "succeeded", (job, standing.logs())


def test_a_retry_with_more_epochs_from_the_last_checkpoint_is_a_longer_run(standing, stores, submit, retry):
    longer = submit(params={"epochs": 4})
    short = submit(params={"epochs": 2})
    until(lambda: ended(stores, short), 60)
    more = retry(short, params={"epochs": 4}, checkpoint="latest")
    job = until(lambda: ended(stores, more), 60)
    assert job["state"] == "succeeded", (job, standing.logs())
    assert job["source"] == {"job": short, "checkpoint": "latest"}
    (attempt,) = stores.queries.jobs.attempts(more)
    assert attempt["start_step"] == stores.queries.jobs.job(short, None)["progress"]["step"] > 0
    assert _weights(stores, more) == _weights(stores, longer) != []
    assert _weights(stores, more) != _weights(stores, short)


def test_a_retry_from_zero_makes_the_same_weights_again(standing, stores, submit, retry):
    first = submit(params={"epochs": 2})
    until(lambda: ended(stores, first), 60)
    second = retry(first)
    job = until(lambda: ended(stores, second), 60)
    assert (job["state"], job["parent"]) == ("succeeded", first), (job, standing.logs())
    assert stores.queries.jobs.attempts(second)[0]["start_step"] == 0
    assert _weights(stores, second) == _weights(stores, first) != []


def test_a_retry_whose_checkpoint_is_gone_says_so(standing, stores, submit, retry):
    first = submit(params={"epochs": 1})
    until(lambda: ended(stores, first), 60)
    _, key = stores.queries.jobs.artifact(stores.queries.jobs.checkpoints(first)[0]["id"], None)
    stores.infra.blobs.remove(key)
    second = retry(first, params={"epochs": 2}, checkpoint="latest")
    job = until(lambda: ended(stores, second), 60)
    assert (job["state"], job["error"]["code"]) == ("failed", "checkpoint_corrupt")
    assert "retry from another one, or from scratch" in job["error"]["detail"]


def test_the_run_limit_counts_over_all_attempts(standing, stores, submit):
    limit = 8
    job_id = submit(params={"epochs": 5000}, max_runtime_s=limit)
    _under_way(stores, job_id)
    stores.jobs.pause(job_id, ALICE)
    until(lambda: _state(stores, job_id) == "paused", 60)
    stores.jobs.resume(job_id, ALICE)
    job = until(lambda: ended(stores, job_id), 60)
    assert (job["state"], job["error"]["code"]) == ("failed", "max_runtime"), (job, standing.logs())
    first, second = stores.queries.jobs.attempts(job_id)
    assert (first["outcome"], second["outcome"]) == ("paused", "failed")
    assert stores.queries.jobs.checkpoints(job_id)[0]["step"] == job["progress"]["step"]
    # The second attempt trained for what the first had left of the limit.
    left = max(0.0, limit - (_moment(first["ended_at"]) - _moment(first["started_at"])).total_seconds())
    told = [_moment(e["at"]) for e in stores.events.page(job_id, 0, 1000) if (e["attempt"], e["type"]) == (2, "metric")]
    trained = (told[-1] - told[0]).total_seconds() if told else 0.0
    # It counts from the trainer's start; on a busy machine the first step comes seconds later.
    assert left - 4 < trained < left + 1.5


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("cancel", "canceled")])
def test_a_stop_is_heard_while_the_trainer_prepares_a_data_set(standing, stores, submit, verb, state):
    job_id = submit("wgan", params={"image_size": 256, "epochs": 1})
    until(lambda: [e for e in stores.events.page(job_id, 0, 50) if "preparing" in e["data"].get("message", "")], 60)
    getattr(stores.jobs, verb)(job_id, ALICE)
    job = until(lambda: stores.queries.jobs.job(job_id, None) if _state(stores, job_id) != "running" else None, 60)
    assert (job["state"], job["pending_action"]) == (state, None), standing.logs()
    assert stores.queries.jobs.attempts(job_id)[0]["start_step"] is None


def test_a_drained_worker_finishes_its_job_and_takes_no_more_until_it_is_let(standing, stores, submit):
    running = submit(params=LONG)
    _under_way(stores, running)
    worker = stores.queries.jobs.job(running, None)["worker"]
    assert stores.fleet.queues.drain(worker, ALICE) is True
    assert stores.fleet.queues.drain(worker, ALICE) is False
    waiting = submit(params={"epochs": 1})
    assert until(lambda: ended(stores, running), 60)["state"] == "succeeded"
    beat = _worker(stores, worker)["last_seen"]
    until(lambda: _worker(stores, worker)["last_seen"] > beat, 60, "another beat")
    assert (_state(stores, waiting), _worker(stores, worker)["state"]) == ("queued", "draining")

    assert stores.fleet.queues.undrain(worker, ALICE) is True
    assert until(lambda: ended(stores, waiting), 60)["state"] == "succeeded"


def _worker(stores, worker_id: str):
    return next(worker for worker in stores.queries.jobs.workers(3) if worker["id"] == worker_id)
