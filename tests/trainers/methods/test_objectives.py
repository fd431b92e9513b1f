"""Penalties, constraints and balances against closed forms."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from trainers.assembly import assemble
from trainers.data import load
from trainers.data.rng import Draws
from trainers.methods import DiscriminatorOutput, Iteration, losses
from trainers.methods.constraints import Clip, GradientPenalty
from trainers.methods.objectives import Balance, CrossEntropy, Regularised, Relativistic, Wasserstein
from trainers.methods.plateau import Plateau
from trainers.process.spec import parse

CPU = torch.device("cpu")
SHAPE = (5, 2, 3, 3)


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)


def linear(norm):
    """A critic f(x) = w.x + 4 with a weight of this norm."""
    weight = torch.arange(1.0, 19.0)
    weight = weight * (norm / weight.norm())
    return lambda images: images.flatten(1) @ weight + 4


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_the_squared_distance_of_its_slope_from_one(batches, norm):
    real, fake = batches
    penalty, (told,) = GradientPenalty(10.0).penalty(linear(norm), real, fake, torch.rand(5, 1, 1, 1))
    assert told.item() == pytest.approx((norm - 1) ** 2, abs=1e-5)
    assert penalty.item() == pytest.approx(10 * (norm - 1) ** 2, abs=1e-4)


def test_the_penalty_is_taken_between_the_two_images_where_the_draw_says(batches):
    # The slope of |x|^2 / 2 is x itself, so that its norm tells where it was taken.
    real, fake = batches
    mix = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]).view(5, 1, 1, 1)
    between = (mix * real + (1 - mix) * fake).flatten(1).norm(dim=1)
    _, (told,) = GradientPenalty(1.0).penalty(lambda x: x.flatten(1).square().sum(1) / 2, real, fake, mix)
    assert told.item() == pytest.approx((between - 1).square().mean().item(), rel=1e-5)


def test_a_critic_without_slope_can_still_learn_from_its_penalty():
    weight = torch.zeros(18, requires_grad=True)
    zeros = torch.zeros(SHAPE)
    penalty, _ = GradientPenalty(10.0).penalty(lambda x: x.flatten(1) @ weight, zeros, zeros, torch.zeros(5, 1, 1, 1))
    penalty.backward()
    assert weight.grad is not None
    assert bool(weight.grad.isfinite().all())


def test_the_critics_loss_is_the_difference_of_its_scores_and_the_penalty(batches):
    real, fake = batches
    critic = linear(3.0)
    verdict = Wasserstein(GradientPenalty(10.0)).discriminator(critic, real, fake, torch.rand(5, 1, 1, 1))
    scores = critic(real).mean(), critic(fake).mean()
    assert (verdict.real.item(), verdict.fake.item()) == pytest.approx([score.item() for score in scores])
    assert verdict.loss.item() == pytest.approx((scores[1] - scores[0]).item() + 40, rel=1e-5)


@pytest.mark.parametrize("norm", [0.0, 0.5, 3.0])
def test_r1_and_r2_of_a_linear_critic_are_its_squared_slope(batches, norm):
    real, fake = batches
    critic = linear(norm)
    objective = Relativistic(2.0, 0.2)
    objective.begin(0, 0.0)
    verdict = objective.discriminator(critic, real, fake, None)
    (told,) = verdict.more
    assert told.item() == pytest.approx(2 * norm**2, rel=1e-5, abs=1e-9)
    paired = nn.functional.softplus(critic(fake) - critic(real)).mean().item()
    assert verdict.loss.item() == pytest.approx(paired + 2.0 / 2 * 2 * norm**2, rel=1e-5)
    # The weight has fallen to its end with the budget.
    objective.begin(9, 1.0)
    assert objective.discriminator(critic, real, fake, None).loss.item() == pytest.approx(
        paired + 0.2 / 2 * 2 * norm**2, rel=1e-5
    )


class _CountsBackward(torch.autograd.Function):
    """The identity, which counts how often a gradient passes through it."""

    passes = 0

    @staticmethod
    def forward(_ctx, images):
        return images.clone()

    @staticmethod
    def backward(_ctx, gradient):
        _CountsBackward.passes += 1
        return gradient


def test_both_penalties_take_one_pass_back_through_the_judge(batches):
    weight = torch.arange(1.0, 19.0) / 40
    _CountsBackward.passes = 0
    Relativistic(2.0, 0.2).discriminator(
        lambda images: _CountsBackward.apply(images).square().flatten(1) @ weight, *batches, None
    )
    assert _CountsBackward.passes == 1


def test_each_slope_is_that_of_its_own_batch(batches):
    weight = torch.arange(1.0, 19.0) / 40
    real, fake = (images.requires_grad_() for images in batches)
    # Of sum w x^2 the slope by x is 2 w x.
    outputs = torch.cat([real, fake]).square().flatten(1) @ weight
    for slope, images in zip(losses.squared_slopes(outputs, real, fake), (real, fake), strict=True):
        expected = (2 * weight * images.flatten(1)).square().sum(1)
        torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("every", "norm"), [(1, 0.5), (4, 2.0)])
def test_r1_is_due_at_every_nth_step_and_weighs_as_much_on_average(batches, every, norm):
    real, fake = batches
    critic = linear(norm)
    objective = Regularised(0.0, 3.0, every, CPU)
    plain = CrossEntropy(0.0).discriminator(critic, real, fake, None).loss.item()
    added, told = [], []
    for step in range(2 * every):
        objective.begin(step, 0.0)
        verdict = objective.discriminator(critic, real, fake, None)
        added.append(verdict.loss.item() - plain)
        told.append(verdict.more[0].item())
    assert [round(more, 4) > 0 for more in added] == [step % every == 0 for step in range(2 * every)]
    assert sum(added) / len(added) == pytest.approx(3.0 / 2 * norm**2, rel=1e-4)
    # Between two penalties the metric is the last one.
    assert told == pytest.approx([norm**2] * len(told), rel=1e-5)


def test_the_paired_players_exchange_roles_and_tell_complementary_probabilities(batches):
    real, fake = batches
    critic = linear(1.0)
    objective = Relativistic(0.0, 0.0)
    verdict = objective.discriminator(critic, real, fake, None)
    assert verdict.real.item() + verdict.fake.item() == pytest.approx(1, abs=1e-6)
    assert objective.generator(critic, fake, real).item() == pytest.approx(
        objective.discriminator(critic, fake, real, None).loss.item(), rel=1e-6
    )
    assert objective.generator(critic, real, real).item() == pytest.approx(math.log(2), rel=1e-6)


def test_the_balance_moves_as_by_hand():
    objective = Balance(0.5, 0.1, CPU)
    judge = lambda images: images.flatten(1).mean(1)  # noqa: E731 - a critic in a line
    images = [torch.full((2, 1, 1, 1), loss) for loss in (0.8, 0.3)]
    objective.extras["k"].fill_(0.25)
    verdict = objective.discriminator(judge, *images, None)
    assert verdict.loss.item() == pytest.approx(0.8 - 0.25 * 0.3)
    g_loss = objective.generator(judge, torch.full((2, 1, 1, 1), 0.2), images[0])
    k, measure = objective.finish(verdict.real, g_loss)
    # Off balance by .5 * .8 - .2 = .2: the discriminator may attend to fakes more.
    assert k.item() == objective.extras["k"].item() == pytest.approx(0.25 + 0.1 * 0.2)
    assert measure.item() == pytest.approx(0.8 + 0.2)


@pytest.mark.parametrize(("real", "g_loss", "end"), [(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)])
def test_the_balance_stays_between_0_and_1(real, g_loss, end):
    objective = Balance(0.75, 0.4, CPU)
    objective.extras["k"].fill_(0.5)
    seen = [objective.finish(torch.tensor(real), torch.tensor(g_loss))[0].item() for _ in range(5)]
    assert all(0 <= k <= 1 for k in seen)
    assert seen[-1] == end


def test_clipping_keeps_every_weight_of_the_critic_within_the_bound_and_no_other():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    before = [weight.clone() for weight in critic.parameters()]
    Clip(0.01).before(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.01, 0.01))


def test_a_critic_step_begins_with_clipped_weights_and_leaves_the_generators_alone(make_spec):
    spec = parse(json.dumps(make_spec("wgan", d_steps=1, shared_fakes=False, learning_rate=1e-3)))
    parts = load(spec.dataset, spec.data_roots, spec.cache, 32, "center")
    method = assemble(spec, parts, Draws(0, 0, CPU)).method
    generator, critic = method.networks["generator"], method.networks["discriminator"]
    largest = max(weight.abs().max().item() for weight in generator.parameters())
    assert largest > 0.5  # scales of batch normalisation begin near one
    for step in range(3):
        method.step(Iteration(step, step * 16, 0.1))
        # RMSprop's first step is rate / sqrt(1 - .99); later ones are smaller.
        assert max(weight.abs().max().item() for weight in critic.parameters()) <= 0.01 + 1e-3 / 0.1 + 1e-6
    assert max(weight.abs().max().item() for weight in generator.parameters()) > 0.5


def test_methods_that_give_scores_say_so():
    assert Wasserstein(Clip(0.01)).d_output is DiscriminatorOutput.scores
    assert Balance(0.5, 0.1, CPU).d_output is DiscriminatorOutput.errors
    assert Relativistic(1, 1).d_output is DiscriminatorOutput.probabilities


def test_rates_are_halved_after_epochs_in_a_row_without_a_lower_mean():
    plateau = Plateau(2, CPU)
    factors = []
    for mean in (3.0, 4.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.0, 0.5):
        for off in (-0.25, 0.25):
            plateau.add(torch.tensor(mean + off))
        plateau.end_epoch()
        factors.append(plateau.factor)
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


BEGAN = {"image_size": 16, "hidden": 8, "precision": "float32", "learning_rate": 0.01, "epochs": 8, "halve_after": 1}


def test_began_learns_at_half_the_rate_after_an_epoch_in_which_its_measure_stalled(train_small):
    attempt = train_small("began", **BEGAN)
    lowest, rate, expected = float("inf"), 0.01, []
    for message in attempt.of("epoch"):
        expected += [rate] * 10
        rate /= 1 if message["means"]["balance"] < lowest else 2
        lowest = min(lowest, message["means"]["balance"])
    assert [row["learning_rate"] for _, row in sorted(attempt.series.items())] == pytest.approx(expected)
    assert len(set(expected)) > 1, "it never stalled"


def test_compact_keeps_its_rate_and_then_goes_along_a_line_to_the_last_one(train_small):
    given = {"precision": "float32", "learning_rate": 1e-3, "learning_rate_end": 2e-4, "decay_from": 0.6}
    attempt = train_small("compact", **given, batch_size=16, images=160)
    rates = [row["learning_rate"] for _, row in sorted(attempt.series.items())]
    wanted = [1e-3] * 7 + [8e-4, 6e-4, 4e-4]
    assert rates == pytest.approx(wanted, rel=1e-4)


def test_a_training_whose_rates_were_halved_goes_on_from_its_checkpoint(train_small):
    whole = train_small("began", **BEGAN)
    # In the middle of the first epoch with half the rate.
    cut = next(step for step, row in sorted(whole.series.items()) if row["learning_rate"] < BEGAN["learning_rate"]) + 4
    part = train_small("began", **BEGAN, stop_at_step=cut)
    rest = train_small("began", **BEGAN, resume=part.checkpoint)
    assert rest.hashes == whole.hashes
    assert rest.series == {step: row for step, row in whole.series.items() if step > cut}


def test_jobs_from_before_the_parameter_keep_their_rates(make_spec):
    line = make_spec("began", image_size=16)
    assert line["params"].pop("halve_after") is None
    spec = parse(json.dumps(line))
    method = assemble(spec, load(spec.dataset, spec.data_roots, spec.cache, 16), Draws(0, 0, CPU)).method
    assert list(method.extras) == ["k"]
    method.end_epoch()
    assert method.objective.rate_factor() == 1
