"""Judging two batches at once is judging one after the other, statistics and gradients included."""

from __future__ import annotations

import copy

import pytest
import torch

from trainers.methods.joint_batch import judge_together
from trainers.process.spec import as_params
from trainers.recipes import DataInfo, networks

CASES = {
    "mlp_gan": {"noise_dim": 8, "width": 8, "init": "default"},
    "dcgan": {"noise_dim": 8, "width": 8, "init": "normal"},
    "wgan": {"noise_dim": 8, "width": 8, "extra_layers": 1, "upsample": False},
}


@pytest.mark.parametrize("recipe", CASES)
def test_it_changes_nothing_but_the_order_of_sums(recipe):
    size = 32 if recipe == "wgan" else 28
    apart = networks(recipe, as_params(CASES[recipe]), DataInfo((1, size, size), 0), 0)["discriminator"]
    at_once = copy.deepcopy(apart)
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(16, 1, size, size, generator=generator)
    fake = 3 * torch.randn(16, 1, size, size, generator=generator) + 1
    one, other = apart(real), apart(fake)
    together = judge_together(at_once, real, fake)
    torch.testing.assert_close(torch.cat(together), torch.cat([one, other]), rtol=1e-4, atol=1e-5)
    (one.sum() - other.square().sum()).backward()
    (together[0].sum() - together[1].square().sum()).backward()
    # A bias before a normalisation has a gradient of zero, which is noise beside the others.
    largest = max(float(weight.grad.abs().max()) for weight in apart.parameters())
    for (name, a), (_, b) in zip(apart.named_parameters(), at_once.named_parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-3, atol=1e-5 * largest, msg=name)
    for (name, a), (_, b) in zip(apart.named_buffers(), at_once.named_buffers(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-6, msg=name)
    # Statistics of both together would be others by far.
    assert (apart(torch.cat([real, fake])) - torch.cat([one, other])).abs().max() > 0.01
