"""An allocator that finds no memory: half the batch from the step before on, or an error that says what to change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainers.process.hungry import Hungry
from trainers import recipes
from trainers.loop import checkpoints
from trainers.process.errors import OutOfMemoryError


@pytest.fixture
def starve(monkeypatch):
    def patch(name, allowed, after=0):
        monkeypatch.setitem(recipes.RECIPES, name, Hungry.recipe(name, allowed, after))

    return patch


def halved(attempt):
    return [alert for alert in attempt.of("alert") if alert["code"] == "batch_halved"]


def report(attempt):
    return json.loads(Path(attempt.files("report")[0]["path"]).read_text())


def test_the_batch_is_halved_and_training_goes_on_from_the_step_before(train_small, starve):
    # Generators are called once a step: memory runs out in the eighth.
    starve("mlp_gan", allowed=8, after=7)
    attempt = train_small(checkpoint_every={"steps": 3})
    (alert,) = halved(attempt)
    assert (alert["step"], alert["back_to"], alert["params"]["batch_size"], alert["params"]["images"]) == (7, 7, 8, 112)
    assert alert["detail"] == "memory ran out with batches of 16 images; continuing from step 7 with 8"
    told = report(attempt)
    assert told["halvings"] == [{"step": 7, "from": 16, "to": 8}]
    assert (told["batch_size"], told["params"]["batch_size"], told["alerts"].count("batch_halved")) == (8, 16, 1)
    # Two passes of 160 images: seven steps of 16, then the rest of both in steps of 8.
    assert (told["images"], told["epochs"], told["steps"]) == (320, 2, 7 + (320 - 112) // 8)
    assert attempt.messages[-1] == {"type": "done", "reason": None}
    assert [(message["step"], message["images"]) for message in attempt.of("epoch")] == [(13, 160), (33, 320)]
    last = attempt.of("metric")[-1]["progress"]
    assert (last["fraction"], last["step"], last["steps"]) == (1.0, told["steps"], told["steps"])


def test_checkpoints_at_other_times_halve_the_batch_after_the_same_step(train_small, starve):
    starve("mlp_gan", allowed=8, after=7)
    often, seldom = (train_small(checkpoint_every={"steps": every}) for every in (2, 1000))
    assert seldom.hashes == often.hashes
    assert seldom.series == often.series
    assert report(seldom)["halvings"] == report(often)["halvings"] == [{"step": 7, "from": 16, "to": 8}]


def test_a_budget_of_images_ends_at_the_same_image(train_small, starve):
    starve("mlp_gan", allowed=4)
    attempt = train_small(images=200)
    assert [(alert["params"]["batch_size"], alert["back_to"]) for alert in halved(attempt)] == [(8, 0), (4, 0)]
    assert (report(attempt)["images"], report(attempt)["steps"]) == (200, 50)
    assert report(attempt)["halvings"] == [{"step": 0, "from": 16, "to": 8}, {"step": 0, "from": 8, "to": 4}]


def test_a_checkpoint_goes_on_with_the_halved_batch(train_small, starve):
    starve("dcgan", allowed=8, after=2)
    first = train_small("dcgan", checkpoint_every={"steps": 1}, stop_at_step=6)
    meta = checkpoints.read(Path(first.checkpoint)).meta
    assert (meta["place"]["batch_size"], meta["halvings"]) == (8, [{"step": 2, "from": 16, "to": 8}])
    second = train_small("dcgan", resume=first.checkpoint)
    assert not halved(second)
    assert report(second)["halvings"] == [{"step": 2, "from": 16, "to": 8}]
    assert (report(second)["batch_size"], report(second)["images"]) == (8, 320)


@pytest.mark.parametrize(
    ("recipe", "params"),
    [("cyclegan", {"batch_size": 4, "blocks": 1, "pool": 3, "epochs": 1}), ("darknet", {"groups": [1, 1]})],
)
def test_other_methods_halve_too(train_small, starve, recipe, params):
    starve(recipe, allowed=params.get("batch_size", 16) // 2, after=4)
    attempt = train_small(recipe, **params)
    assert len(halved(attempt)) == 1
    assert len(report(attempt)["halvings"]) == 1
    assert attempt.messages[-1]["type"] == "done"


def test_a_batch_of_two_cannot_be_halved_where_batches_are_normalised(train_small, starve):
    starve("mlp_gan", allowed=1)
    with pytest.raises(OutOfMemoryError, match="batches of 2 images, which cannot be halved any more: lower `width`"):
        train_small(batch_size=2)


def test_without_batch_normalisation_one_image_is_enough(train_small, starve):
    starve("began", allowed=1)
    attempt = train_small("began", batch_size=2, images=6, hidden=8)
    assert [alert["params"]["batch_size"] for alert in halved(attempt)] == [1]
    assert report(attempt)["images"] == 6
    starve("began", allowed=0)
    with pytest.raises(OutOfMemoryError, match="batches of 1 images"):
        train_small("began", batch_size=2, images=6, hidden=8)


def test_networks_learn_on_in_training_mode_when_memory_ran_out_while_a_grid_was_drawn(train_small, monkeypatch):
    known = recipes.find("mlp_gan")
    built = []

    class HungryGrid(Hungry):
        def forward(self, inputs):
            # The second grid: the first one is drawn before the training begins.
            if not self.training and len(inputs) == 64:
                self.grids = getattr(self, "grids", 0) + 1
                if self.grids == 2:
                    self.ask()
            return self.network(inputs)

    def build(params, facts):
        networks = known.networks(params, facts)
        networks["generator"] = HungryGrid(networks["generator"], allowed=16, after=0)
        built.append(networks["generator"])
        return networks

    monkeypatch.setitem(recipes.RECIPES, "mlp_gan", known._replace(networks=build))
    attempt = train_small(grid_every={"steps": 3})
    assert len(halved(attempt)) == 1
    modes = [module.training for module in built[0].modules()]
    assert modes == [True] * len(modes)
