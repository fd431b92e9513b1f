"""Losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from trainers.methods import losses


def test_both_terms_are_log_2_at_logit_0():
    zero = torch.zeros(5)
    assert losses.bce_discriminator(zero, zero).item() == pytest.approx(2 * math.log(2), abs=1e-7)
    assert losses.bce_generator(zero).item() == pytest.approx(math.log(2), abs=1e-7)


def test_the_discriminator_loss_is_the_cross_entropy_of_the_paper():
    real, fake = torch.tensor([1.5, -0.3, 0.2]), torch.tensor([-2.0, 0.7])
    expected = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()
    assert losses.bce_discriminator(real, fake).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_gradient_of_the_generator_loss_is_the_probability_of_being_caught():
    logit = torch.tensor([0.4], requires_grad=True)
    losses.bce_generator(logit).backward()
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(-(1 - torch.tensor(0.4).sigmoid().item()), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.1, 0.25, 0.5])
def test_smoothing_is_the_cross_entropy_with_a_label_below_one(smoothing):
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.0])
    p = real.sigmoid()
    expected = -((1 - smoothing) * p.log() + smoothing * (1 - p).log()).mean().item() + math.log(2)
    assert losses.bce_discriminator(real, fake, smoothing).item() == pytest.approx(expected, rel=1e-6)


def test_with_smoothing_the_best_logit_is_that_of_the_label():
    # The cross-entropy with label 1 - s is least where sigmoid(x) = 1 - s, and is the label's entropy there.
    logit = torch.tensor([math.log(0.9 / 0.1)], requires_grad=True)
    loss = losses.bce_discriminator(logit, torch.tensor([-100.0]), 0.1)
    loss.backward()
    assert loss.item() == pytest.approx(-(0.9 * math.log(0.9) + 0.1 * math.log(0.1)), rel=1e-6)
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_the_critic_gains_where_real_images_score_higher_and_the_generator_where_fakes_do():
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 0.5, 2.0])
    assert losses.wasserstein_critic(real, fake).item() == pytest.approx(0.5 - 2.0)
    assert losses.wasserstein_generator(fake).item() == pytest.approx(-0.5)


def test_the_paired_loss_is_log_2_at_a_tie_and_the_players_trade_places():
    logits, others = torch.tensor([0.3, -2.0, 5.0]), torch.tensor([1.0, 0.0, 4.0])
    assert losses.relativistic(logits, logits).item() == pytest.approx(math.log(2), rel=1e-6)
    expected = -((logits - others).sigmoid()).log().mean().item()
    assert losses.relativistic(logits, others).item() == pytest.approx(expected, rel=1e-6)
    # softplus(-x) - softplus(x) = -x.
    off = losses.relativistic(logits, others) - losses.relativistic(others, logits)
    assert off.item() == pytest.approx((others - logits).mean().item(), rel=1e-5)
    # Only differences count.
    assert losses.relativistic(logits + 7, others + 7).item() == pytest.approx(expected, rel=1e-5)


def test_least_squares_measure_the_distance_from_what_is_wanted():
    scores = torch.tensor([[0.0, 1.0], [2.0, 1.5]])
    assert losses.least_squares(scores, 1.0).item() == pytest.approx((1 + 0 + 1 + 0.25) / 4)
    assert losses.least_squares(scores, 0.0).item() == pytest.approx((0 + 1 + 4 + 2.25) / 4)
