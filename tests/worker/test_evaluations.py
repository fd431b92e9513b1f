"""Evaluations through placement, queue, worker and store: a result, a report, pictures; the same seed, the same
figures."""

from __future__ import annotations

import json

import pytest

from api.submit.placement import place
from models.jobs import EvaluateRequest, TrainRequest
from models.states import Role
from stores.accounts.keys import Principal
from tests.waiting import until

ALICE = Principal("key_test", "alice", Role.user)
FEW = {"count": 200}


def _ended(stores, job_id: str):
    job = stores.queries.jobs.job(job_id, None)
    return job if job["finished_at"] else None


@pytest.fixture
def run(standing, stores):
    """Return a function that runs a request to its end and returns the job and its files by name."""

    def go(request):
        view, _ = stores.jobs.submit(place(stores, ALICE, request))
        job = until(lambda: _ended(stores, view["id"]), 90)
        assert job["state"] == "succeeded", (job["error"], standing.logs())
        return job, _files(stores, job["id"])

    return go


def _files(stores, job_id: str) -> dict[str, bytes]:
    found = {}
    for artifact in stores.queries.jobs.artifacts(job_id, (), 500, None):
        _, key = stores.queries.jobs.artifact(artifact["id"], None)
        found[artifact["name"]] = b"".join(stores.infra.blobs.stream(key))
    return found


def _of_job(job_id: str, **changes) -> EvaluateRequest:
    return EvaluateRequest(kind="evaluate", source={"job": job_id}, params=FEW, queue="cpu", **changes)


def test_a_checkpoint_is_judged_after_a_pause_in_the_middle(run, stores):
    params = {"images": 64, "batch_size": 16, "width": 4}
    trained, _ = run(TrainRequest(kind="train", recipe="mlp_gan", dataset="mnist-10k", params=params, queue="cpu"))
    # Other images than the first attempt saw would give another result: it begins again.
    view, _ = stores.jobs.submit(place(stores, ALICE, _of_job(trained["id"])))
    paused = _asked_in_the_middle(stores, view["id"], stores.jobs.pause, "paused")
    assert (paused["result"], paused["fd_ratio"]) == (None, None)
    stores.jobs.resume(view["id"], ALICE)
    job = until(lambda: _ended(stores, view["id"]), 120)
    assert job["state"] == "succeeded", job["error"]
    result, files = job["result"], _files(stores, job["id"])
    assert (job["dataset"], job["recipe"], result["count"]) == ("mnist-10k", "mlp_gan", 200)
    assert result["verdicts"][0] == "low_fidelity"  # noise
    assert (job["fd_ratio"], job["kid"]) == (result["fidelity"]["fd_ratio"], result["fidelity"]["kid"])
    assert job["extractor"] == result["extractor"]["sha256"]
    assert json.loads(files["report.json"])["fidelity"] == result["fidelity"]
    assert job["progress"]["fraction"] == 1.0


def test_an_evaluation_that_is_canceled_in_the_middle_has_no_result(standing, stores):
    source = {"dataset": "mnist-10k"}
    request = EvaluateRequest(kind="evaluate", source=source, dataset="mnist-10k", queue="cpu")
    view, _ = stores.jobs.submit(place(stores, ALICE, request))
    job = _asked_in_the_middle(stores, view["id"], stores.jobs.cancel, "canceled")
    assert (job["recipe"], job["source"], job["result"]) == ("darknet", source, None)


def _asked_in_the_middle(stores, job_id: str, ask, state: str):
    """Ask something of a job that has begun to look at images; return it when it has the state."""

    def read():
        return stores.queries.jobs.job(job_id, None)

    until(lambda: read()["progress"]["images"] > 0, 90, "the first images")
    ask(job_id, ALICE)
    return until(lambda: (job := read())["state"] == state and job, 90, state)
