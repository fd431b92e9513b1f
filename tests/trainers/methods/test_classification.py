"""Darknet: learns, is judged on test images, and shows its cycle and its confusion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.attempts import Attempt
from tests.trainers.conftest import spec_maker
from trainers.assembly import assemble
from trainers.data import load
from trainers.data.images import Images
from trainers.data.rng import Draws
from trainers.loop import checkpoints
from trainers.methods.classification import held_out
from trainers.process.errors import InvalidDatasetError
from trainers.process.spec import parse

# 20 steps an epoch; fewer would leave the running statistics, with their momentum of .01, where they began.
SETTINGS = {"groups": [1, 1, 1], "width": 16, "batch_size": 8, "epochs": 10, "learning_rate": 0.05, "shift": 0}


@pytest.fixture(scope="module")
def attempt(data_root, tmp_path_factory):
    make_spec = spec_maker(data_root, tmp_path_factory.mktemp("learned"))
    return Attempt.run(json.dumps(make_spec("darknet", **SETTINGS)))


def report(attempt):
    return json.loads(Path(attempt.files("report")[0]["path"]).read_text())


def test_it_learns_the_digits_and_its_figures_agree(attempt, data_root):
    means = [message["means"] for message in attempt.of("epoch")]
    assert means[0]["train_accuracy"] < 0.6
    assert means[-1]["train_accuracy"] > 0.9
    told = report(attempt)
    counts = np.array(told["confusion"])
    assert counts.shape == (10, 10)
    assert counts.sum() == 40
    assert told["accuracy"] == counts.trace() / 40 == pytest.approx(means[-1]["accuracy"])
    assert 0.4 < told["accuracy"] <= 1
    assert told["classes"] == [str(n) for n in range(10)]
    # Rows are the true classes: 40 digits, as the file has them.
    labels = np.frombuffer((data_root / "MNIST/raw/t10k-labels-idx1-ubyte").read_bytes()[8:], dtype=np.uint8)
    assert counts.sum(1).tolist() == np.bincount(labels, minlength=10).tolist()


def test_each_epoch_is_judged_and_shown(attempt):
    means = [message["means"] for message in attempt.of("epoch")]
    series = attempt.series
    judged = {step: row["accuracy"] for step, row in series.items() if "accuracy" in row}
    assert judged == {20 * n: means[n - 1]["accuracy"] for n in range(1, 11)}
    assert {Path(message["path"]).name for message in attempt.files("loss_plot")} == {"loss.png", "one_cycle.png"}
    # The rate rises from a twentieth, peaks at .4 of the budget, and ends far below where it began.
    rates = [series[step]["learning_rate"] for step in range(1, 201)]
    assert rates[0] == pytest.approx(0.05 / 20, rel=1e-4)
    assert max(rates) == rates[80] == pytest.approx(0.05)
    assert rates[-1] < rates[0] / 20
    moments = [series[step]["momentum"] for step in range(1, 201)]
    assert (moments[0], min(moments), moments[80], moments[-1]) == pytest.approx((0.95, 0.85, 0.85, 0.95))
    # The best checkpoint is that of the highest accuracy, the earliest of equals.
    accuracies = [mean["accuracy"] for mean in means]
    best = [message for message in attempt.files("checkpoint") if message["best"]]
    assert best[-1]["epoch"] == report(attempt)["best_epoch"] == 1 + accuracies.index(max(accuracies))
    # Confusion matrices are square coloured sheets, one at the beginning and one an epoch.
    grids = attempt.files("grid")
    assert [grid["epoch"] for grid in grids] == list(range(11))
    with Image.open(grids[-1]["path"]) as sheet:
        assert sheet.size == (650, 650)
        assert sheet.mode == "RGB"


def assembled(make_spec, **given):
    spec = parse(json.dumps(make_spec("darknet", **{**SETTINGS, **given})))
    parts = load(spec.dataset, spec.data_roots, spec.cache, 28, "center")
    return spec, parts, assemble(spec, parts, Draws(0, 0, torch.device("cpu")))


@pytest.mark.parametrize(("asked", "flips"), [(None, False), (True, True), (False, False)])
def test_grey_images_are_not_mirrored_unless_asked(make_spec, asked, flips):
    _, _, assembly = assembled(make_spec, flip=asked)
    assert assembly.method.feed.preprocessing.flip is flips


def test_colour_images_are_mirrored(make_spec):
    spec, parts, _ = assembled(make_spec)
    coloured = {name: Images(part.pixels.expand(-1, 3, -1, -1), part.labels) for name, part in parts.items()}
    assert assemble(spec, coloured, Draws(0, 0, torch.device("cpu"))).method.feed.preprocessing.flip


def test_the_average_is_judged_where_there_is_one(train_small):
    def losses(half_life):
        attempt = train_small("darknet", **{**SETTINGS, "epochs": 2, "ema_half_life": half_life})
        kept = checkpoints.read(Path(attempt.checkpoint)).tensors
        names = [f"{kind}/classifier/last.weight" for kind in ("networks", "averages")]
        return [message["means"]["test_loss"] for message in attempt.of("epoch")], *(kept[name] for name in names)

    # An average that hardly follows knows as little as at the start; one that follows at once is the classifier itself.
    (early, late), weights, slow = losses(10**9)
    assert early == pytest.approx(late, rel=1e-3)
    (early, late), same_weights, fast = losses(1)
    assert abs(early - late) > 0.02
    assert torch.equal(weights, same_weights)
    assert (weights - slow).abs().max() > 0.01 > 10 * (weights - fast).abs().max()


def test_without_a_test_part_every_tenth_image_is_kept_for_it():
    images = Images(torch.arange(25, dtype=torch.uint8).view(25, 1, 1, 1), torch.arange(25) % 2)
    train, test = held_out({"train": images})
    assert test.pixels[test.rows].flatten().tolist() == [9, 19]
    kept = train.pixels[train.rows].flatten().tolist()
    assert sorted([*kept, 9, 19]) == list(range(25))
    assert train.labels.tolist() == [n % 2 for n in kept]
    with pytest.raises(InvalidDatasetError, match=r"3 images and no test part; .* at least 10 images"):
        held_out({"train": Images(images.pixels[:3], images.labels[:3])})
    with pytest.raises(InvalidDatasetError, match="one folder for each class"):
        held_out({"train": Images(images.pixels, None)})


@pytest.mark.parametrize("at_once", [100, 1 << 24])
def test_the_statistics_of_channels_are_those_of_all_pixels_that_count(monkeypatch, at_once):
    # The second case counts all images at once, the first a few at a time.
    monkeypatch.setattr("trainers.data.images._AT_ONCE", at_once)
    pixels = torch.randint(0, 256, (30, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[:, 2] //= 4
    scaled = pixels.numpy() / 255
    for counted, rows in (
        (Images(pixels, None), slice(None)),
        (Images(pixels, None).only(torch.arange(30) % 3 == 0), slice(0, 30, 3)),
    ):
        means, stds = zip(*counted.channel_statistics(), strict=True)
        assert means == pytest.approx(scaled[rows].mean((0, 2, 3)), rel=1e-12)
        assert stds == pytest.approx(scaled[rows].std((0, 2, 3)), rel=1e-9)


def test_each_channel_is_scaled_by_the_statistics_of_the_training_images(make_spec):
    spec, parts, _ = assembled(make_spec, normalize_channels=True, image_size=28)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(20) % 10

    def colours(low):
        return Images(torch.randint(low, 256, (20, 3, 28, 28), dtype=torch.uint8, generator=generator), labels)

    parts = {"train": colours(128), "test": colours(0)}
    parts["train"].pixels[:, 1] = 7
    method = assemble(spec, parts, Draws(0, 0, torch.device("cpu"))).method
    seen = method.feed.normalise(parts["train"].pixels)
    for channel in (0, 2):
        assert seen[:, channel].mean().item() == pytest.approx(0, abs=1e-5)
        assert seen[:, channel].std(correction=0).item() == pytest.approx(1, rel=1e-5)
    # A channel of one value is centred, and divided by nothing.
    assert seen[:, 1].abs().max().item() < 1e-6
    mean, std = parts["train"].channel_statistics()[2]
    judged = method._test.normalise(parts["test"].pixels)[:, 2]
    expected = (parts["test"].pixels[:, 2].double() / 255 - mean) / std
    torch.testing.assert_close(judged.double(), expected, rtol=1e-5, atol=1e-5)
    assert method.extras["channels"].tolist() == [list(pair) for pair in parts["train"].channel_statistics()]


def test_a_classifier_of_normalised_channels_goes_on_from_its_checkpoint(train_small, make_spec):
    given = {"groups": [1, 1], "image_size": 16, "normalize_channels": True, "precision": "float32"}
    whole = train_small("darknet", **given)
    half = train_small("darknet", **given, stop_at_step=7)
    assert train_small("darknet", **given, resume=half.checkpoint).hashes == whole.hashes


def test_a_class_without_a_training_image_is_named(make_spec):
    spec, parts, _ = assembled(make_spec)
    chosen = (parts["train"].labels != 4) & (parts["train"].labels != 7)
    lacking = {**parts, "train": Images(parts["train"].pixels[chosen], parts["train"].labels[chosen])}
    with pytest.raises(InvalidDatasetError, match="no training image is of class 4, 7: add some, or remove the class"):
        assemble(spec, lacking, Draws(0, 0, torch.device("cpu")))
