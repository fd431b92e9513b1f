"""Evaluations through placement, queue, worker and store: a result, a report, pictures; the same seed, the same
figures, also when an attempt was stopped or killed in the middle: the next one begins anew."""

from __future__ import annotations

import json

import pytest

from api.submit.placement import place
from models.jobs import EvaluateRequest, TrainRequest
from models.states import Role
from stores.accounts.keys import Principal
from tests.waiting import ended, until

# Real attempts, one after the other: on a crowded machine each takes its time.
pytestmark = pytest.mark.timeout(300)
FEW = {"count": 200}


@pytest.fixture
def alice(stores) -> Principal:
    """Return alice with a key: what she asks of jobs is audited."""
    _, secret = stores.accounts.keys.create("alice's", "alice", Role.user)
    who = stores.accounts.keys.authenticate(secret)
    assert who is not None
    return who


@pytest.fixture
def submit(stores, alice):
    """Return a function that stores the job of a request and returns its id."""
    return lambda request: stores.jobs.submit(place(stores, alice, request))[0]["id"]


@pytest.fixture
def finished(standing, stores):
    """Return a function that waits for a job's success, and returns the job and its files by name."""

    def wait(job_id: str):
        job = until(lambda: ended(stores, job_id), 120, "its end")
        assert job["state"] == "succeeded", (job["error"], standing.logs())
        return job, _files(stores, job_id)

    return wait


def _files(stores, job_id: str) -> dict[str, bytes]:
    found = {}
    for artifact in stores.queries.jobs.artifacts(job_id, (), 500, None):
        _, key = stores.queries.jobs.artifact(artifact["id"], None)
        found[artifact["name"]] = b"".join(stores.infra.blobs.stream(key))
    return found


def _of_job(job_id: str, **changes) -> EvaluateRequest:
    return EvaluateRequest(kind="evaluate", source={"job": job_id}, params=FEW, queue="cpu", **changes)


def _in_the_middle(stores, job_id: str) -> None:
    """Wait until a job looks at images."""
    until(lambda: stores.queries.jobs.job(job_id, None)["progress"]["images"], 120, "its first images")


def _state(stores, job_id: str) -> str:
    return str(stores.queries.jobs.job(job_id, None)["state"])


def _taken_again(stores, job_id: str) -> bool:
    """Ring for a job that waits out its back-off, as the sweeper does; tell whether it has a second attempt."""
    stores.jobs.ring_again(stores.fleet.alive_s, 0.0)
    return stores.queries.jobs.job(job_id, None)["attempt"] == 2


def test_a_checkpoint_is_judged_and_after_a_pause_in_the_middle_with_the_same_figures(stores, alice, submit, finished):
    params = {"images": 64, "batch_size": 16, "width": 4}
    train = TrainRequest(kind="train", recipe="mlp_gan", dataset="mnist-10k", params=params, queue="cpu")
    trained, _ = finished(submit(train))
    first, files = finished(submit(_of_job(trained["id"])))
    result = first["result"]
    assert (first["dataset"], first["recipe"], result["count"]) == ("mnist-10k", "mlp_gan", 200)
    assert result["fidelity"]["fd_ratio"] > 3  # of noise
    assert (first["fd_ratio"], first["extractor"]) == (result["fidelity"]["fd_ratio"], result["extractor"]["sha256"])
    assert json.loads(files["report.json"])["fidelity"] == result["fidelity"]
    assert first["progress"]["fraction"] == 1.0

    second = submit(_of_job(trained["id"]))
    _in_the_middle(stores, second)
    assert stores.jobs.pause(second, alice) is True
    until(lambda: _state(stores, second) == "paused", 60, "the pause")
    paused = stores.queries.jobs.job(second, None)
    assert (paused["result"], paused["fd_ratio"], paused["extractor"]) == (None, None, None)
    stores.jobs.resume(second, alice)
    job, again = finished(second)
    assert (job["attempt"], job["result"]) == (2, result)
    assert again == files


@pytest.mark.slow
def test_an_evaluation_whose_trainer_was_killed_tells_the_same(standing, stores, submit, finished):
    source = {"dataset": "mnist-10k"}
    asked = EvaluateRequest(kind="evaluate", source=source, dataset="mnist-10k", params=FEW, queue="cpu")
    calm, _ = finished(submit(asked))
    assert (calm["recipe"], calm["source"]) == ("darknet", source)
    # These are real.
    assert calm["result"]["fidelity"]["fd_ratio"] < 3

    killed = submit(asked)
    _in_the_middle(stores, killed)
    for trainer in standing.trainers():  # the spare, if one waits, must not matter either
        trainer.kill()
    until(lambda: _taken_again(stores, killed), 60, "the second attempt")
    job, _ = finished(killed)
    assert (job["attempt"], job["result"]) == (2, calm["result"])
    assert [attempt["outcome"] for attempt in stores.queries.jobs.attempts(killed)] == ["crashed", "succeeded"]


def test_an_evaluation_that_is_canceled_in_the_middle_has_no_result(standing, stores, alice, submit):
    asked = EvaluateRequest(kind="evaluate", source={"dataset": "mnist-10k"}, dataset="mnist-10k", queue="cpu")
    job_id = submit(asked)
    _in_the_middle(stores, job_id)
    stores.jobs.cancel(job_id, alice)
    job = until(lambda: ended(stores, job_id), 60, "its end")
    assert (job["state"], job["result"], job["error"]) == ("canceled", None, None), standing.logs()
    assert _files(stores, job_id) == {}


def test_a_run_limit_ends_an_evaluation(standing, stores, submit):
    asked = {"kind": "evaluate", "source": {"dataset": "mnist-10k"}, "dataset": "mnist-10k", "queue": "cpu"}
    job_id = submit(EvaluateRequest(**asked, params={"count": 10_000}, max_runtime_s=1))
    job = until(lambda: ended(stores, job_id), 120, "its end")
    assert (job["state"], job["error"]["code"]) == ("failed", "max_runtime"), standing.logs()
    assert job["error"]["detail"] == (
        "stopped at the time limit of 1 s (max_runtime_s); submit it again with a higher limit: it starts from scratch"
    )


def test_a_checkpoint_whose_object_is_gone_cannot_be_judged_and_the_error_says_what_to_do(stores, submit, finished):
    params = {"images": 32, "batch_size": 16, "width": 4}
    train = TrainRequest(kind="train", recipe="mlp_gan", dataset="mnist-10k", params=params, queue="cpu")
    trained, _ = finished(submit(train))
    best = stores.queries.jobs.checkpoint(trained["id"], "best", None)
    _, key = stores.queries.jobs.artifact(best["id"], None)
    stores.infra.blobs.remove(key)
    job_id = submit(_of_job(trained["id"]))
    job = until(lambda: ended(stores, job_id), 60, "its end")
    assert (job["state"], job["error"]["code"]) == ("failed", "checkpoint_corrupt")
    assert "is gone or damaged" in job["error"]["detail"]
    assert "evaluate another one" in job["error"]["detail"]
