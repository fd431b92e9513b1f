"""Every recipe, from the request as a person writes it to the files, through placement, queue, worker and store."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from PIL import Image

from api.submit.placement import place
from models.jobs import SampleRequest, TrainRequest
from models.recipes import RECIPES
from models.states import Role
from stores.accounts.keys import Principal
from tests.waiting import ended, until

ALICE = Principal("key_test", "alice", Role.user)


@pytest.fixture
def run(standing, stores):
    """Return a function that runs a request to its end and returns the job and its artifacts by name."""

    def go(request):
        view, _ = stores.jobs.submit(place(stores, ALICE, request))
        job = until(lambda: ended(stores, view["id"]), 90)
        assert job["state"] == "succeeded", job["error"]
        found = {}
        for artifact in stores.queries.jobs.artifacts(view["id"], (), 500, None):
            _, key = stores.queries.jobs.artifact(artifact["id"], None)
            found[artifact["name"]] = b"".join(stores.infra.blobs.stream(key))
        return job, found

    return go


@pytest.mark.timeout(400)  # nine jobs, one after the other
def test_every_recipe_trains_on_the_built_in_digits(run, stores):
    for name, recipe in RECIPES.items():
        params = {"images": 64, "batch_size": 16, "width": 4}
        job, files = run(TrainRequest(kind="train", recipe=name, dataset="mnist-10k", params=params, queue="cpu"))
        assert {f"{network}.safetensors" for network in recipe.networks} <= files.keys(), name
        assert {"real_grid.png", "grid-00000000.png", "summary.json", "report.json"} <= files.keys(), name
        report = json.loads(files["report.json"])
        assert report["image_size"] == [1, job["params"]["image_size"], job["params"]["image_size"]]
        # At most one round of critic steps beyond the budget.
        assert 64 <= report["images"] <= 144
        series = stores.events.metrics.series(job["id"], None, None)
        assert all(values for _, values in series.values()), name


def test_a_translator_translates_the_data_set_that_it_is_given(run):
    params = {"images": 32, "batch_size": 4, "width": 4, "blocks": 1}
    trained, _ = run(TrainRequest(kind="train", recipe="cyclegan", dataset="mnist-10k", params=params, queue="cpu"))
    source = {"job": trained["id"], "checkpoint": "latest"}
    asked = {"output": "translate", "count": 5, "direction": "b_to_a"}
    job, files = run(SampleRequest(kind="sample", source=source, params=asked, queue="cpu"))
    assert job["dataset"] == "mnist-10k"
    with zipfile.ZipFile(io.BytesIO(files["b_to_a.zip"])) as archive:
        assert len(archive.namelist()) == 5
        assert Image.open(io.BytesIO(archive.read("00000.png"))).size == (28, 28)
    # Five pairs: four in the first row.
    assert Image.open(io.BytesIO(files["b_to_a.png"])).size == (2 + 8 * 30, 2 + 2 * 30)
