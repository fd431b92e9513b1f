"""Darknet without classes: each image in four quarter turns, whose number the network learns to name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.job_profile import Shape
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from models.wire import ExtractorSpec
from trainers.assembly import assemble
from trainers.data import load
from trainers.data.images import Images
from trainers.data.rng import Draws
from trainers.judging import extractor
from trainers.methods.classification import held_out
from trainers.process.spec import parse

SETTINGS = {"targets": "rotations", "groups": [1, 1, 1], "width": 8, "batch_size": 4, "learning_rate": 0.05, "shift": 0}
CPU = torch.device("cpu")
BOUNDS = bounds(RECIPES["darknet"].params)


def without_classes(line, parts=None):
    """Take the classes away from a spec."""
    return {**line, "dataset": {**line["dataset"], "classes": [], **({"parts": parts} if parts else {})}}


def assembled(make_spec, **given):
    spec = parse(json.dumps(without_classes(make_spec("darknet", **{**SETTINGS, **given}))))
    parts = load(spec.dataset, spec.data_roots, spec.cache, 28)
    return parts, assemble(spec, parts, Draws(0, 0, CPU)).method


def test_a_batch_shows_each_image_in_all_four_turns(make_spec):
    _, method = assembled(make_spec)
    images, turns = method.feed.next_labelled()
    assert images.shape == (16, 1, 28, 28)
    assert turns.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4
    upright = images[:4]
    # One quarter turn against the clock: what stood at the right edge stands at the top.
    assert torch.equal(images[4:8], upright.transpose(2, 3).flip(2))
    assert torch.equal(images[8:12], upright.flip(2, 3))
    assert torch.equal(images[12:], upright.transpose(2, 3).flip(3))
    # Images are counted, not their turns.
    assert method.feed.sampler.seen == 4


def test_the_order_of_the_images_is_that_of_a_training_with_classes(make_spec):
    _, method = assembled(make_spec)
    spec = parse(json.dumps(make_spec("darknet", **{**SETTINGS, "targets": "classes"})))
    parts = load(spec.dataset, spec.data_roots, spec.cache, 28)
    with_classes = assemble(spec, parts, Draws(0, 0, CPU)).method
    assert torch.equal(method.feed.next_labelled().images[:4], with_classes.feed.next_labelled().images)


def test_it_learns_to_name_the_turns_of_images_that_have_no_classes(make_spec):
    from tests.trainers.attempts import Attempt

    attempt = Attempt.run(json.dumps(without_classes(make_spec("darknet", **{**SETTINGS, "epochs": 6}))))
    means = [message["means"] for message in attempt.of("epoch")]
    assert means[0]["train_accuracy"] < means[-1]["train_accuracy"]
    # Chance is a quarter. A 0 looks alike upside down, so nobody can be right always.
    assert 0.5 < means[-1]["accuracy"] < 1
    report = json.loads(Path(attempt.files("report")[0]["path"]).read_text())
    assert report["classes"] == ["0°", "90°", "180°", "270°"]
    # Each of the 40 test images in four turns.
    assert [sum(row) for row in report["confusion"]] == [40] * 4
    best = [message for message in attempt.files("checkpoint") if message["best"]][-1]
    found = extractor.load(ExtractorSpec("job_a", Path(best["path"]), bounds=BOUNDS), CPU)
    assert (found.classes, found.accuracy, found.size) == (None, None, 28)
    seen = found.look_at(torch.zeros(3, 1, 28, 28, dtype=torch.uint8))
    assert seen.features.shape == (3, 64)
    assert seen.probabilities is None


def test_without_a_test_part_every_tenth_image_is_kept_whether_or_not_it_has_a_class():
    images = Images(torch.arange(30, dtype=torch.uint8).view(30, 1, 1, 1), None)
    train, test = held_out({"train": images}, labelled=False)
    assert test.rows.tolist() == [9, 19, 29]
    assert len(train) == 27
    both = {"train": images, "test": Images(images.pixels[:5], None)}
    assert held_out(both, labelled=False)[1] is both["test"]


@pytest.mark.parametrize(("targets", "recipe"), [("rotations", "darknet+rotations"), ("classes", "darknet")])
def test_what_turns_cost_says_nothing_of_classes(targets, recipe):
    params = {"image_size": 28, "batch_size": 8, "width": 4, "targets": targets}
    assert Shape.of("darknet", params) == Shape(recipe, 28, 8, 4)
