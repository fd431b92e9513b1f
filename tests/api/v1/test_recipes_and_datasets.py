"""POST /v1/jobs: which data sets fit which recipe"""

from __future__ import annotations

from typing import Any

import pytest

from models.recipes import RECIPES
from tests.api.conftest import TRAIN, Person, Pointers, Upload
from tests.api.uploads.archives import pictures, zipped

SIZES = {"compact": 28, "mlp_gan": 28, "dcgan": 28, "cyclegan": 28, "darknet": 28}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_takes_the_digits_and_says_at_which_size(alice: Person, recipe: str) -> None:
    job = alice.submit(recipe=recipe, dataset="mnist-10k", params={"epochs": 1, "width": 4})
    assert job["params"]["image_size"] == SIZES.get(recipe, 32)
    assert (job["recipe"], job["state"], job["params"]["width"]) == (recipe, "queued", 4)


@pytest.mark.parametrize(("recipe", "preset"), [(r.name, p.name) for r in RECIPES.values() for p in r.presets])
def test_every_preset_can_be_tried_on_the_digits(alice: Person, recipe: str, preset: str) -> None:
    params = {"image_size": 28} if recipe == "dcgan" else {}
    answer = alice.post(
        "/v1/jobs?dry_run=true",
        json={"kind": "train", "recipe": recipe, "preset": preset, "dataset": "mnist-10k", "params": params},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json["params"]["image_size"] is not None


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"recipe": "wgan", "params": {"image_size": 48}}, "/params/image_size", "must be 16, 32, 64, 128 or 256"),
        ({"recipe": "dcgan", "params": {"image_size": 64}}, "/params/image_size", "must be 28 pixels"),
        ({"recipe": "cyclegan", "params": {"image_size": 30}}, "/params/image_size", "24 to 512 in steps of 4"),
        ({"recipe": "dcgan", "params": {"image_size": 4}}, "/params/image_size", "must be at least 8"),
        ({"recipe": "dcgan", "params": {"batch_size": 8192, "split": "all"}, "dataset": "few"}, "/dataset", "no such"),
        (
            {"recipe": "began", "params": {"label_smoothing": 0.1}},
            "/params/label_smoothing",
            "`label_smoothing` must be 0 here",
        ),
        ({"recipe": "darknet", "params": {"split": "all"}}, "/params/split", "`split` must be train here"),
        ({"recipe": "darknet", "params": {"monitor": "g_loss"}}, "/params/monitor", "must be"),
        ({"recipe": "darknet", "params": {"groups": [1]}}, "/params/groups", "at least 2"),
        ({"recipe": "cyclegan", "params": {"noise_dim": 10}}, "/params/noise_dim", "is not known"),
        ({"recipe": "cyclegan", "params": {"batch_size": 513}}, "/params/batch_size", "must be at most 512"),
        ({"recipe": "r3gan", "params": {"beta2_end": 1}}, "/params/beta2_end", "must be less than 1"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(
    alice: Person, pointers: Pointers, changes: dict[str, Any], pointer: str, words: str
) -> None:
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, **changes}))
    assert list(found) == [pointer]
    assert words in found[pointer]
    assert alice.get("/v1/jobs").json["data"] == []


def test_an_uploaded_data_set_is_refused_where_it_does_not_fit(
    alice: Person, pointers: Pointers, upload: Upload
) -> None:
    assert upload(alice, zipped(pictures(16, size=(32, 32))), "few").status_code == 201
    sides = {**pictures(8, "A/", size=(32, 32)), **pictures(9, "B/", size=(32, 32))}
    assert upload(alice, zipped(sides), "sides").status_code == 201

    def refused(**changes: Any) -> dict[str, str]:
        return pointers(alice.post("/v1/jobs", json={**TRAIN, "params": {}, **changes}))

    found = refused(dataset="few", recipe="wgan")
    assert found == {
        "/params/batch_size": "must be at most 16, the number of training images; or use a larger data set"
    }
    assert list(refused(dataset="few", recipe="darknet")) == ["/dataset"]
    assert "needs two domains" in refused(dataset="few", recipe="cyclegan")["/dataset"]
    assert "use cyclegan" in refused(dataset="sides", recipe="wgan")["/dataset"]
    assert (
        "the smaller domain"
        in refused(dataset="sides", recipe="cyclegan", params={"batch_size": 9})["/params/batch_size"]
    )
    assert alice.submit(dataset="few", recipe="wgan", params={"batch_size": 16})["params"]["image_size"] == 32
    assert alice.submit(dataset="sides", recipe="cyclegan", params={"batch_size": 8})["params"]["image_size"] == 32
