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


def test_a_checkpoint_is_judged_and_again_with_the_same_figures(run):
    params = {"images": 64, "batch_size": 16, "width": 4}
    trained, _ = run(TrainRequest(kind="train", recipe="mlp_gan", dataset="mnist-10k", params=params, queue="cpu"))
    (first, files), (second, again) = run(_of_job(trained["id"])), run(_of_job(trained["id"]))
    result = first["result"]
    assert (first["dataset"], first["recipe"], result["count"]) == ("mnist-10k", "mlp_gan", 200)
    assert result["fidelity"]["fd_ratio"] > 3  # of noise
    assert (first["fd_ratio"], first["extractor"]) == (result["fidelity"]["fd_ratio"], result["extractor"]["sha256"])
    assert second["result"] == result
    assert again == files
    assert json.loads(files["report.json"])["fidelity"] == result["fidelity"]
    assert first["progress"]["fraction"] == 1.0


def test_the_images_of_a_data_set_are_judged(run):
    source = {"dataset": "mnist-10k"}
    job, _ = run(EvaluateRequest(kind="evaluate", source=source, dataset="mnist-10k", params=FEW, queue="cpu"))
    assert (job["recipe"], job["source"]) == ("darknet", source)
    # These are real.
    assert job["result"]["fidelity"]["fd_ratio"] < 3
