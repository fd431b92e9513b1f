"""R3GAN against a restatement of Huang et al. 2024 in float64: losses, penalties, schedules and one whole iteration."""

from __future__ import annotations

import copy
import json
import math

import pytest
import torch
from torch.nn.functional import softplus

from trainers.assembly import assemble
from trainers.data import load
from trainers.data.rng import Draws
from trainers.methods import Iteration
from trainers.methods.objectives import Relativistic
from trainers.process.spec import parse
from trainers.recipes.r3gan import Block

CPU = torch.device("cpu")
BATCH, NOISE = 6, 8
RATE, RATE_END = 2e-4, 5e-5
BETA2, BETA2_END = 0.9, 0.99
GAMMA, GAMMA_END = 2.0, 0.2
HALF_LIFE = 500
FRACTION = 0.25
# Adam's state at the iteration that is restated: with a second moment that is not the gradient's own square, a step
# depends on the size of the gradient and not on its sign alone.
SECOND_MOMENT, STEPS_BEFORE = 1e-6, 9


def cosine(start, end):
    """A value a quarter of the way along its cosine."""
    return start + (end - start) * (1 - math.cos(math.pi * FRACTION)) / 2


def squared_slope(judge, images):
    """||grad D||^2 of each image, one image after the other."""
    slopes = []
    for image in images:
        alone = image.detach()[None].requires_grad_()
        (gradient,) = torch.autograd.grad(judge(alone)[0], alone, create_graph=True)
        slopes.append((gradient**2).sum())
    return torch.stack(slopes)


def discriminator_loss(judge, real, fake, gamma):
    """E[f(-(D(x) - D(G(z))))] + gamma/2 E||grad D(x)||^2 + gamma/2 E||grad D(G(z))||^2, with f(t) = log(1 + e^t)."""
    paired = torch.log1p(torch.exp(judge(fake) - judge(real))).mean()
    r1, r2 = squared_slope(judge, real).mean(), squared_slope(judge, fake).mean()
    return paired + gamma / 2 * r1 + gamma / 2 * r2, r1 + r2


def generator_loss(judge, fake, real):
    """E[f(-(D(G(z)) - D(x)))]."""
    return torch.log1p(torch.exp(judge(real) - judge(fake))).mean()


@torch.no_grad()
def adam(network, rate, beta2):
    """Take a step of Adam with beta1 = 0 (Kingma and Ba 2015, algorithm 1) from the state above."""
    step = STEPS_BEFORE + 1
    for weight in network.parameters():
        second = beta2 * SECOND_MOMENT + (1 - beta2) * weight.grad**2
        weight.sub_(rate * weight.grad / ((second / (1 - beta2**step)).sqrt() + 1e-8))


@pytest.fixture
def method(make_spec):
    """R3GAN with the paper's settings on small networks whose blocks have already learned something."""

    def make(**given):
        line = make_spec(
            "r3gan",
            image_size=16,
            batch_size=BATCH,
            noise_dim=NOISE,
            width=4,
            learning_rate=RATE,
            learning_rate_end=RATE_END,
            ema_half_life=HALF_LIFE,
            shared_fakes=False,
            precision="float32",
            **given,
        )
        spec = parse(json.dumps(line))
        made = assemble(spec, load(spec.dataset, spec.data_roots, spec.cache, 16, "center"), Draws(0, 0, CPU)).method
        generator = torch.Generator().manual_seed(5)
        for name, network in made.networks.items():
            for block in (module for module in network.modules() if isinstance(module, Block)):
                block.last.weight.data.normal_(0, 0.1, generator=generator)
            optimizer = made.optimizers[name]
            for weight in network.parameters():
                optimizer.state[weight] = {
                    "step": torch.tensor(float(STEPS_BEFORE)),
                    "exp_avg": torch.zeros_like(weight),
                    "exp_avg_sq": torch.full_like(weight, SECOND_MOMENT),
                }
        made.averages["generator"].network.load_state_dict(
            {name: value + 0.01 for name, value in made.generator.state_dict().items()}
        )
        return made

    return make


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(5, 2, 3, 3, generator=generator, dtype=torch.float64) for _ in range(2)]


def bent(images):
    """A judge with slopes and curvature of its own at every pixel."""
    weight = torch.linspace(-1, 1, 18, dtype=torch.float64)
    return (torch.tanh(images.flatten(1) * weight) * (1 + weight)).sum(1) + images.flatten(1).square().mean(1)


@pytest.mark.parametrize("gamma", [0.05, 2.0, 150.0])
def test_the_discriminators_loss_and_penalties_are_the_papers(batches, gamma):
    real, fake = batches
    loss, penalties = discriminator_loss(bent, real, fake, gamma)
    verdict = Relativistic(gamma, gamma / 10).discriminator(bent, real, fake, None)
    assert verdict.loss.item() == pytest.approx(loss.item(), rel=1e-12)
    assert verdict.more[0].item() == pytest.approx(penalties.item(), rel=1e-12)


def test_the_generators_loss_is_the_papers(batches):
    real, fake = batches
    found = Relativistic(2.0, 0.2).generator(bent, fake, real).item()
    assert found == pytest.approx(generator_loss(bent, fake, real).item(), rel=1e-12)
    assert found == pytest.approx(softplus(bent(real) - bent(fake)).mean().item(), rel=1e-12)


def test_gamma_follows_the_papers_cosine():
    objective = Relativistic(GAMMA, GAMMA_END)
    objective.begin(0, FRACTION)
    assert objective.gamma == pytest.approx(cosine(GAMMA, GAMMA_END), rel=1e-12)


def assert_moved_alike(before, found, expected):
    """Compare the changes of all weights, to a thousandth of the largest change in a tensor and float32's last bits."""
    old, wanted = dict(before.named_parameters()), dict(expected.named_parameters())
    for name, weight in found.named_parameters():
        change, wanted_change = weight.double() - old[name], wanted[name] - old[name]
        largest = wanted_change.abs().max().item()
        assert largest > 1e-5, f"{name} did not learn"
        torch.testing.assert_close(change, wanted_change, rtol=0, atol=1e-3 * largest + 2e-7, msg=f"{name} differs")


@pytest.mark.parametrize(("fresh_reals", "start"), [(False, None), (True, 0)])
@pytest.mark.parametrize("block_kind", ["plain", "grouped"])
def test_one_iteration_is_the_papers(method, block_kind, fresh_reals, start):
    trained = method(block_kind=block_kind, fresh_reals=fresh_reals, ema_half_life_start=start)
    before = {name: copy.deepcopy(network).double() for name, network in trained.networks.items()}
    before["average"] = copy.deepcopy(trained.averages["generator"].network).double()
    generator, discriminator, average = copy.deepcopy(before).values()
    draws, feed = trained.feed.draws, trained.feed

    # What the method will draw in iteration 7: the next images of the epoch, noise for each player, and other images.
    real = feed.normalise(feed.pixels(draws.permutation(160, "order", 0)[:BATCH])).double()
    others = feed.others(BATCH, 7, 0).double() if fresh_reals else real
    noise = [draws.normal((BATCH, NOISE), "noise", 7, n).double() for n in range(2)]

    metrics = dict(zip(trained.metrics, trained.step(Iteration(7, 0, FRACTION)).tolist(), strict=True))

    # The discriminator first, then the generator against the discriminator that has learned.
    rate, beta2 = cosine(RATE, RATE_END), cosine(BETA2, BETA2_END)
    fake = generator(noise[0]).detach()
    d_loss, penalties = discriminator_loss(discriminator, real, fake, cosine(GAMMA, GAMMA_END))
    d_loss.backward()
    adam(discriminator, rate, beta2)
    g_loss = generator_loss(discriminator, generator(noise[1]), others)
    g_loss.backward()
    adam(generator, rate, beta2)
    # The average: half of it comes from the last images, as many as the half-life.
    half_life = HALF_LIFE if start is None else cosine(start, HALF_LIFE)
    kept = 0.5 ** (BATCH / half_life)
    for mine, theirs in zip(average.parameters(), generator.parameters(), strict=True):
        mine.data = kept * mine.data + (1 - kept) * theirs.data

    assert metrics["d_loss"] == pytest.approx(d_loss.item(), rel=1e-5)
    assert metrics["gradient_penalty"] == pytest.approx(penalties.item(), rel=1e-4)
    assert metrics["g_loss"] == pytest.approx(g_loss.item(), rel=1e-5)
    assert metrics["learning_rate"] == pytest.approx(rate, rel=1e-6)
    assert_moved_alike(before["discriminator"], trained.networks["discriminator"], discriminator)
    assert_moved_alike(before["generator"], trained.networks["generator"], generator)
    assert_moved_alike(before["average"], trained.averages["generator"].network, average)


def test_the_average_begins_as_the_generator_where_its_half_life_begins_at_zero(method):
    trained = method(ema_half_life_start=0)
    trained.step(Iteration(0, 0, 0.0))
    average = trained.averages["generator"].network.state_dict()
    for name, weight in trained.generator.state_dict().items():
        assert torch.equal(average[name], weight), name


def test_real_images_of_both_players_are_mirrored_at_random(method):
    feed = method(flip=True).feed
    whole = feed.normalise(feed.pixels(feed.draws.permutation(160, "order", 0)[:BATCH]))
    for images, originals in (
        (feed.next(), whole),
        (feed.others(BATCH, 7, 0), feed.normalise(feed.pixels(feed.draws.integers(160, BATCH, "order_beside", 7, 0)))),
    ):
        same = [torch.equal(image, original) for image, original in zip(images, originals, strict=True)]
        mirrored = [torch.equal(image, original.flip(-1)) for image, original in zip(images, originals, strict=True)]
        assert all(a or b for a, b in zip(same, mirrored, strict=True))
        assert any(same)
        assert any(mirrored)


def test_other_real_images_move_neither_the_epoch_nor_the_budget(method):
    feed = method(fresh_reals=True).feed
    place = feed.state()
    first, second = feed.others(BATCH, 1, 0), feed.others(BATCH, 2, 0)
    assert feed.state() == place
    assert not torch.equal(first, second)
    assert torch.equal(feed.others(BATCH, 1, 0), first)
