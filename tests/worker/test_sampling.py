"""Sampling jobs: pictures from a checkpoint; the same checkpoint and seed give the same bytes."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from models.specs.sample import SampleParams
from stores.jobs.insert import NewJob
from tests.waiting import ended, until


@pytest.fixture
def sample_job(stores):
    """Return a function that submits a sampling job of alice's and returns its id."""

    def make(trained: str, artifact: str, **params) -> str:
        new = NewJob(
            owner="alice",
            kind="sample",
            recipe="mlp_gan",
            preset=None,
            dataset=None,
            dataset_id=None,
            params=SampleParams(**params).model_dump(mode="json"),
            seed=0,
            queue="cpu",
            priority=0,
            name=None,
            labels={},
            max_attempts=1,
            max_runtime_s=None,
            source={"job": trained, "checkpoint": "latest"},
            source_artifact=artifact,
        )
        view, _ = stores.jobs.submit(new)
        return str(view["id"])

    return make


def test_samples_of_every_kind_are_drawn_and_a_grid_again_is_the_same(standing, stores, submit, sample_job):
    trained = submit(params={"epochs": 1})
    assert until(lambda: ended(stores, trained), 60)["state"] == "succeeded"
    checkpoint = stores.queries.jobs.checkpoint(trained, "best", "alice")

    # A grid twice; that the other kinds are reproducible too, tests/trainers/test_sampling.py shows.
    made = []
    for output in ("grid", "grid", "interpolation", "images"):
        job_id = sample_job(trained, checkpoint["id"], output=output, count=10, seed=7)
        job = until(lambda job_id=job_id: ended(stores, job_id), 60)
        assert job["state"] == "succeeded", (job, standing.logs())
        (artifact,) = stores.queries.jobs.artifacts(job_id, ["samples"], 10, None)
        _, key = stores.queries.jobs.artifact(artifact["id"], None)
        made.append(b"".join(stores.infra.blobs.stream(key)))
    assert made[0] == made[1]

    with zipfile.ZipFile(io.BytesIO(made[-1])) as archive:
        assert len(archive.namelist()) == 10
        with Image.open(io.BytesIO(archive.read(archive.namelist()[0]))) as image:
            assert image.size == (28, 28)


def test_a_sampling_job_whose_source_is_gone_says_so(standing, stores, submit, sample_job):
    trained = submit(params={"epochs": 1})
    until(lambda: ended(stores, trained), 60)
    checkpoint = stores.queries.jobs.checkpoint(trained, "latest", "alice")
    _, key = stores.queries.jobs.artifact(checkpoint["id"], None)
    stores.infra.blobs.remove(key)
    job_id = sample_job(trained, checkpoint["id"])
    job = until(lambda: ended(stores, job_id), 60)
    assert (job["state"], job["error"]["code"]) == ("failed", "checkpoint_corrupt")
    assert trained in job["error"]["detail"]
