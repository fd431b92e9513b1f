"""CycleGAN: its losses, its domains, its grids, and when it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn.functional import l1_loss

from tests.trainers.attempts import Attempt, write_digits
from trainers.assembly import assemble
from trainers.data import load
from trainers.data.images import Images
from trainers.data.rng import Draws
from trainers.methods import Iteration
from trainers.methods.schedules import linear_decay
from trainers.process.errors import InvalidDatasetError
from trainers.process.spec import parse

CPU = torch.device("cpu")
SETTINGS = {"precision": "float32", "batch_size": 4, "blocks": 1, "image_size": 24, "pool": 4}


@pytest.fixture
def assembled(make_spec):
    """Return a function that puts cyclegan to work on the digits, or on other parts."""

    def put(parts=None, **given):
        spec = parse(json.dumps(make_spec("cyclegan", **{**SETTINGS, **given})))
        found = parts or load(spec.dataset, spec.data_roots, spec.cache, 27, "center")
        return assemble(spec, found, Draws(0, 0, CPU))

    return put


def test_grids_show_both_directions_and_both_cycles(train_small):
    attempt = train_small("cyclegan", **SETTINGS, images=8)
    first = attempt.files("grid")[0]
    with Image.open(first["path"]) as sheet:
        assert sheet.size == (6 * (24 + 2) + 2, 8 * (24 + 2) + 2)
    with Image.open(attempt.files("real_grid")[0]["path"]) as sheet:
        assert sheet.size == (8 * (24 + 2) + 2, 2 * (24 + 2) + 2)
    assert {Path(message["path"]).name for message in attempt.files("weights")} == {
        f"{name}.safetensors" for name in ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
    }


def test_digits_below_five_become_the_others(assembled):
    feed = assembled().method.feed
    assert set(feed.a.labels.tolist()) == set(range(5))
    assert set(feed.b.labels.tolist()) == set(range(5, 10))
    assert feed.a.preprocessing.flip


@pytest.mark.parametrize(("split", "more"), [("train", 0), ("all", 40)])
def test_the_images_for_testing_are_trained_on_only_where_all_are_asked_for(assembled, split, more):
    feed = assembled(split=split).method.feed
    assert feed.a.sampler.count + feed.b.sampler.count == 160 + more


def test_folders_of_domains_are_trained_on_as_they_are(assembled):
    def images(count, value):
        return Images(torch.full((count, 1, 27, 27), value, dtype=torch.uint8), None)

    parts = {"trainA": images(9, 1), "trainB": images(5, 2), "testA": images(4, 3), "testB": images(4, 4)}
    feed = assembled(parts).method.feed
    assert (feed.a.sampler.count, feed.b.sampler.count, feed.lead is feed.a) == (9, 5, True)
    feed = assembled(parts, split="all").method.feed
    assert (feed.a.sampler.count, feed.b.sampler.count) == (13, 9)
    assert set(feed.b.pixels(torch.arange(9)).flatten().tolist()) == {2, 4}


def test_without_domains_or_classes_there_is_nothing_to_translate(assembled):
    bare = {"train": Images(torch.zeros(20, 1, 27, 27, dtype=torch.uint8), None)}
    with pytest.raises(InvalidDatasetError, match="neither two domains nor classes"):
        assembled(bare)


def test_images_are_scaled_to_what_windows_are_cut_from_and_not_framed(make_spec, tmp_path):
    white = np.full((20, 28, 28), 255, dtype=np.uint8)
    labels = np.arange(20, dtype=np.uint8) % 10
    write_digits(tmp_path / "white/MNIST/raw", white, white, (labels, labels))
    spec = make_spec("cyclegan", blocks=1, batch_size=2, images=2)
    spec["data_roots"] = [str(tmp_path / "white")]
    spec["dataset"]["parts"] = {"train": 20, "test": 20}
    Attempt.run(json.dumps(spec))
    (prepared,) = Path(spec["cache"]).rglob("*.safetensors")
    pixels = load_file(prepared)["train.pixels"]
    assert pixels.shape == (20, 1, 31, 31)
    assert int(pixels.min()) == 255


def test_the_losses_of_a_step_are_those_of_the_paper(assembled):
    method = assembled(cycle=7.0, identity=0.25).method
    feed = method.feed
    networks = method.networks
    place = [feed.a.state(), feed.b.state()]
    a, b = feed.a.next(), feed.b.next()
    feed.a.restore(place[0], 0)
    feed.b.restore(place[1], 0)
    fake_b, fake_a = networks["generator_ab"](a), networks["generator_ba"](b)
    cycle = l1_loss(networks["generator_ba"](fake_b), a) + l1_loss(networks["generator_ab"](fake_a), b)
    identity = l1_loss(networks["generator_ba"](a), a) + l1_loss(networks["generator_ab"](b), b)
    scores = {
        "a": (networks["discriminator_a"](a), networks["discriminator_a"](fake_a)),
        "b": (networks["discriminator_b"](b), networks["discriminator_b"](fake_b)),
    }
    fooled = sum((fake - 1).square().mean() for _, fake in scores.values())
    weights = [weight for name in ("generator_ab", "generator_ba") for weight in networks[name].parameters()]
    gradients = torch.autograd.grad(fooled + 7 * cycle + 7 * 0.25 * identity, weights)
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
    told = dict(zip(method.metrics, method.step(Iteration(0, 0, 0.0)).tolist(), strict=True))
    assert told["g_grad_norm"] == pytest.approx(norm, rel=1e-4)
    assert told["cycle_loss"] == pytest.approx(cycle.item(), rel=1e-5)
    assert told["identity_loss"] == pytest.approx(identity.item(), rel=1e-5)
    for name, (real, fake) in scores.items():
        # The pool fills first: the discriminators see the fakes of this step, painted before the generators learned.
        assert told[f"g_loss_{name}"] == pytest.approx((fake - 1).square().mean().item(), rel=1e-5)
        expected = ((real - 1).square().mean() + fake.square().mean()).item() / 2
        assert told[f"d_loss_{name}"] == pytest.approx(expected, rel=1e-5)
        assert told[f"d_real_{name}"] == pytest.approx(real.mean().item(), rel=1e-4, abs=1e-6)


def test_an_image_of_the_wanted_domain_is_left_alone_only_if_that_is_asked_for(assembled):
    method = assembled(identity=0.0).method
    told = dict(zip(method.metrics, method.step(Iteration(0, 0, 0.0)).tolist(), strict=True))
    assert told["identity_loss"] == 0
    assert told["cycle_loss"] > 0


def test_rates_are_level_and_then_fall_to_nothing(train_small):
    attempt = train_small("cyclegan", **SETTINGS, images=40, learning_rate=1e-3)
    rates = [row["learning_rate"] for _, row in sorted(attempt.series.items())]
    assert rates == pytest.approx([1e-3 * linear_decay(0.5, step / 10) for step in range(10)], rel=1e-4)
    assert rates[5] == pytest.approx(1e-3)
    assert rates[9] == pytest.approx(2e-4)


def test_rates_fall_once_an_epoch_where_that_is_asked_for(train_small):
    # 160 digits are two domains of about 80: five steps of 16 an epoch.
    given = {**SETTINGS, "batch_size": 16, "epochs": 6, "learning_rate": 1e-3, "decay_every": "epoch"}
    attempt = train_small("cyclegan", **given)
    steps = sorted(attempt.series)
    an_epoch = len(steps) // 6
    rates = [attempt.series[step]["learning_rate"] for step in steps]
    # Level for half of the budget and one epoch more, as in the authors' code, then a third less with each epoch.
    wanted = [1, 1, 1, 1, 2 / 3, 1 / 3]
    assert rates == pytest.approx([1e-3 * factor for factor in wanted for _ in range(an_epoch)], rel=1e-5)


def test_domains_meet_as_in_the_authors_code_where_that_is_asked_for(assembled):
    def images(count):
        return Images(torch.zeros(count, 1, 27, 27, dtype=torch.uint8), None)

    parts = {"trainA": images(9), "trainB": images(14)}
    feed = assembled(parts, pairing="random").method.feed
    assert [one.sampler.epochs.length for one in (feed.a, feed.b)] == [14, 14]
    assert [one.sampler.epochs.at_random for one in (feed.a, feed.b)] == [False, True]
    assert feed.sampler.per_pass == 14 // SETTINGS["batch_size"]
    feed = assembled(parts).method.feed
    assert [one.sampler.length for one in (feed.a, feed.b)] == [9, 14]


def test_a_training_of_domains_drawn_at_random_goes_on_from_its_checkpoint(train_small):
    given = {**SETTINGS, "batch_size": 16, "epochs": 2, "pairing": "random", "crop": "squash", "decay_every": "epoch"}
    whole = train_small("cyclegan", **given)
    half = train_small("cyclegan", **given, stop_at_step=7)
    assert train_small("cyclegan", **given, resume=half.checkpoint).hashes == whole.hashes


def test_it_ends_when_the_cycle_gets_no_better(train_small):
    # With a rate far too high the cycles never get better than at some early epoch.
    attempt = train_small(
        "cyclegan", **{**SETTINGS, "batch_size": 16}, epochs=40, monitor="cycle_loss", patience=2, learning_rate=0.05
    )
    means = {message["epoch"]: message["means"]["cycle_loss"] for message in attempt.of("epoch")}
    lowest = min(means, key=means.get)
    assert len(means) == lowest + 2 < 40
    assert attempt.messages[-1]["reason"].startswith("cycle_loss has not improved for 2 measurements")
    best = [message["epoch"] for message in attempt.files("checkpoint") if message["best"]]
    assert best[-1] == lowest
    assert json.loads(Path(attempt.files("report")[0]["path"]).read_text())["best_epoch"] == lowest
