"""The small parts: draws, meters, cadences, averages, pictures, budgets."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from trainers.data.images import Images
from trainers.data.loader import ImageFeed
from trainers.data.preprocessing import Preprocessing
from trainers.data.rng import Draws, initial_weights, seed_for
from trainers.loop.meters import History, Means, Ring
from trainers.methods import optimizers
from trainers.methods.ema import Average
from trainers.outputs import plots, png
from trainers.sample import noises

CPU = torch.device("cpu")


def test_a_draw_depends_on_seed_salt_stream_and_index_and_nothing_else():
    draws = Draws(1, 0, CPU)
    wanted = draws.normal((4,), "noise", 3, 0)
    draws.normal((9,), "grid")
    assert torch.equal(draws.normal((4,), "noise", 3, 0), wanted)
    others = [Draws(2, 0, CPU), Draws(1, 1, CPU)]
    changed = [other.normal((4,), "noise", 3, 0) for other in others]
    changed += [draws.normal((4,), "noise", 3, 1), draws.normal((4,), "noise", 30), draws.normal((4,), "grid", 3, 0)]
    assert not any(torch.equal(other, wanted) for other in changed)


def test_seeds_do_not_run_together():
    assert seed_for(1, 23) != seed_for(12, 3)
    assert 0 <= seed_for("any") < 2**63


def test_noise_is_standard_normal():
    noise = Draws(0, 0, CPU).normal((100_000,), "noise")
    # Five standard errors each.
    assert noise.mean().item() == pytest.approx(0, abs=5 / 100_000**0.5)
    assert noise.var().item() == pytest.approx(1, abs=5 * (2 / 100_000) ** 0.5)


def test_what_people_look_at_is_drawn_without_the_device_so_that_machines_can_be_compared(train_small, monkeypatch):
    asked = []
    made_here = Draws.normal
    monkeypatch.setattr(
        Draws, "normal", lambda draws, shape, stream, *n: asked.append(stream) or made_here(draws, shape, stream, *n)
    )
    draws = Draws(5, 0, CPU)
    before = draws._here.get_state()
    picked = noises(draws, 0, 8)
    assert torch.equal(draws._here.get_state(), before)
    assert torch.equal(picked, Draws(5, 0, CPU).normal((64, 8), "sample", 0))
    asked.clear()
    train_small("mlp_gan", epochs=1, grid_every={"steps": 5})
    assert set(asked) == {"noise"}


def test_initial_weights_leave_the_global_generator_alone():
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    with initial_weights(0, "mlp_gan"):
        nn.Linear(3, 3)
    assert torch.equal(torch.rand(1), wanted)


def test_each_pass_deals_every_image_once_in_another_order():
    images = torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1)
    feed = ImageFeed([Images(images, None)], 4, Draws(0, 0, CPU), Preprocessing(0.0, 1 / 255, 1))
    passes = [torch.cat([feed.next() for _ in range(3)]).flatten().round().int().tolist() for _ in range(2)]
    assert [sorted(order) for order in passes] == [list(range(12))] * 2
    assert passes[0] != passes[1]
    feed.restore({"passes": 1, "position": 4, "seen": 16, "batch_size": 4}, salt=0)
    assert feed.next().flatten().round().int().tolist() == passes[1][4:8]
    assert feed.state() == {"passes": 1, "position": 8, "seen": 20, "batch_size": 4}


def test_pixels_become_what_the_parameters_say():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    feed = ImageFeed([Images(pixels, None)], 2, Draws(0, 0, CPU), Preprocessing(0.1, 0.5, 1))
    assert feed.normalise(pixels).flatten().tolist() == pytest.approx([-0.2, 0.2, 1.8], abs=1e-6)
    assert feed.mean().item() == pytest.approx((0.4 - 0.1) / 0.5, abs=1e-6)


def test_the_ring_gives_back_what_it_was_given():
    ring = Ring(2, CPU)
    for value in range(ring.capacity):
        assert not ring.full
        ring.add(torch.tensor([value, -value]))
    assert ring.full
    assert ring.take()[7] == [7.0, -7.0]
    assert ring.take() == []


def test_means():
    means = Means(2)
    for row in ([1.0, 2.0], [3.0, 6.0]):
        means.add(row)
    assert means.take() == [2.0, 4.0]
    assert means.count == 0


def test_the_history_stays_small_and_keeps_the_whole_course():
    history = History(1)
    for step in range(1, 10_001):
        history.add(step, [2.0 * step])
    assert 1000 <= len(history.points) <= history.limit
    assert history.points[0][0] < 10
    assert history.points[-1][0] > 9_980
    assert all(value == pytest.approx(2 * images) for images, value in history.points)


def test_a_restored_history_goes_on_as_if_nothing_had_happened():
    whole, first, second = History(1), History(1), History(1)
    for step in range(5_003):
        whole.add(step, [step % 7])
        first.add(step, [step % 7])
    second.restore(first.tensor(), first.state())
    for step in range(5_003, 9_000):
        whole.add(step, [step % 7])
        second.add(step, [step % 7])
    assert second.points == whole.points


def test_half_of_the_average_is_younger_than_its_half_life():
    source = nn.BatchNorm1d(1)
    average = Average(source, half_life=1000)
    with torch.no_grad():
        source.weight.fill_(3.0)
        source.running_mean.fill_(8.0)
        source.num_batches_tracked.fill_(5)
    for _ in range(10):
        average.update(100)
    # From 1 (and 0) towards 3 (and 8), half of the way.
    assert average.network.weight.item() == pytest.approx(2.0, rel=1e-5)
    assert average.network.running_mean.item() == pytest.approx(4.0, rel=1e-5)
    assert average.network.num_batches_tracked.item() == 5
    assert not average.network.training


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_an_optimizer_steps_as_its_paper_says(name):
    weight = nn.Parameter(torch.tensor([1.0]))
    params = SimpleNamespace(optimizer=name, beta1=0.5, beta2=0.999)
    optimizer = optimizers.make(params, [weight])
    optimizers.set_learning_rate(optimizer, 0.01)
    weight.grad = torch.tensor([4.0])
    optimizer.step()
    # Adam's first step has the size of the rate; RMSprop's is rate g / sqrt(.01 g^2).
    assert weight.item() == pytest.approx(1 - 0.01 if name == "adam" else 1 - 0.1, abs=1e-6)


def test_grids_are_laid_out_row_by_row():
    images = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1) + 10
    sheet = png.tile(images)
    assert sheet.shape == (8, 11)
    assert [int(sheet[2 + 3 * (n // 3), 2 + 3 * (n % 3)]) for n in range(6)] == [10, 11, 12, 13, 14, 0]
    assert png.tile(images.expand(5, 3, 1, 1), columns=5).shape == (5, 17, 3)


def test_a_png_holds_the_pixels_and_has_the_same_bytes_each_time():
    sheet = np.arange(12, dtype=np.uint8).reshape(3, 4)
    content = png.png(sheet)
    assert content == png.png(sheet)
    with Image.open(io.BytesIO(content)) as image:
        assert (np.asarray(image) == sheet).all()


def test_denormalising_clips_to_what_a_pixel_can_hold():
    images = torch.tensor([-1.0, -0.2, 0.0, 1.8, 3.0]).view(5, 1, 1, 1)
    assert png.to_bytes(images, 0.1, 0.5).flatten().tolist() == [0, 0, 26, 255, 255]


def test_the_loss_plot_is_a_png_with_the_same_bytes_each_time():
    points = [[128.0 * step, 1.4, 0.7, 0.5, 0.5] for step in range(1, 30)]
    plot = plots.loss_plot(points, ("d_loss", "g_loss", "d_real", "d_fake"))
    assert plot == plots.loss_plot(points, ("d_loss", "g_loss", "d_real", "d_fake"))
    with Image.open(io.BytesIO(plot)) as image:
        assert image.size == (960, 720)
        assert len(image.convert("RGB").getcolors(100_000)) > 10
