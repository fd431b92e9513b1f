"""An evaluation waits for the job that makes its extractor, downloads what it made, and says so where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from api.submit.placement import place
from models.jobs import EvaluateRequest, TrainRequest
from models.states import Role
from stores.accounts.keys import Principal
from stores.accounts.quotas import Quotas
from tests.waiting import ended, until

# As small as a network of this recipe can be.
SMALL = {"targets": "rotations", "images": 64, "batch_size": 16, "image_size": 16, "width": 4, "groups": [1, 1]}


@pytest.fixture
def alice(stores):
    key, _ = stores.accounts.keys.create("alice", "alice", Role.user)
    return Principal(key["id"], "alice", Role.user, Quotas())


@pytest.fixture
def noise(standing, stores):
    """A data set of 240 pictures of noise below the worker's data root, as its view."""
    root = standing.home / "roots"
    folder = root / "cifar" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (240, 32, 32, 3), np.uint8)
    for n, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{n}_{('airplane', 'frog')[n % 2]}.png")
    stores.datasets.register_known([root])
    # The database outlives a test.
    with stores.infra.engine.begin() as connection:
        connection.execute(text("DELETE FROM extractors"))
    return stores.datasets.find("cifar-10", None)


@pytest.fixture
def make(stores, alice, noise):
    """Return a function that has the extractor of the noise made, as a small network."""

    def ask():
        asked = {"kind": "train", "recipe": "darknet", "dataset": noise["id"], "params": SMALL}
        job = place(stores, alice, TrainRequest.model_validate({**asked, "queue": "cpu"}))
        return stores.judging.extractors.make(noise["id"], job, "rotations", alice)

    return ask


@pytest.fixture
def evaluate(stores, alice):
    """Return a function that evaluates the noise to an end, waiting for a job, and returns the job."""

    def ask(waits_for=None, **params):
        asked = {"kind": "evaluate", "source": {"dataset": "cifar-10"}, "dataset": "cifar-10", "queue": "cpu"}
        new = place(stores, alice, EvaluateRequest.model_validate({**asked, "params": {"count": 200, **params}}))
        view, _ = stores.jobs.submit(replace(new, waits_for=waits_for), who=alice)
        return until(lambda: ended(stores, view["id"]), 90, "the evaluation's end")

    return ask


def test_an_evaluation_judges_with_what_the_other_job_has_made(stores, make, evaluate, standing):
    made = make()
    job = evaluate(made.job)
    assert job["state"] == "succeeded", (job["error"], standing.logs())
    told = job["result"]["extractor"]
    assert (told["name"], told["accuracy"]) == (made.job, None)
    assert stores.queries.jobs.job(made.job, None)["finished_at"] <= job["started_at"]
    assert stores.datasets.find("cifar-10", "alice")["extractor"] == told


def test_an_extractor_whose_object_is_gone_is_forgotten_and_made_again(stores, make, evaluate):
    made = make()
    until(lambda: ended(stores, made.job), 90, "the extractor's end")
    found = stores.judging.extractors.find(stores.datasets.find("cifar-10", None))
    _, key = stores.queries.jobs.artifact(found.checkpoint, None)
    stores.infra.blobs.remove(key)
    job = evaluate(made.job)
    assert (job["state"], job["error"]["code"]) == ("failed", "extractor_failed")
    assert "is gone or damaged: submit again, which makes another one" in job["error"]["detail"]
    again = make()
    assert again.job != made.job
    assert evaluate(again.job)["state"] == "succeeded"


def test_an_evaluation_whose_extractor_was_canceled_says_so_and_what_to_do(stores, alice, make, evaluate):
    made = make()
    stores.jobs.cancel(made.job, alice)
    job = evaluate(made.job)
    assert (job["state"], job["error"]["code"]) == ("failed", "extractor_failed")
    assert f"did not succeed ({made.job}): see its error, then submit again" in job["error"]["detail"]


def test_inception_without_a_file_of_weights_names_the_folder(noise, evaluate, standing):
    job = evaluate(extractor="inception")
    assert (job["state"], job["error"]["code"]) == ("failed", "extractor_failed")
    assert f"no Inception weights in {standing.home}/roots/extractors: put" in job["error"]["detail"]
