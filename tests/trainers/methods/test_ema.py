"""A moving average makes its lists of tensors once, and still follows whatever is written into either network."""

from __future__ import annotations

import copy

import torch
from torch import nn

from trainers.methods.ema import Average


def by_the_formula(network, source, images, half_life):
    """Average every tensor by itself, found anew by its name."""
    weight = 1 - 0.5 ** (images / half_life)
    mine, theirs = network.state_dict(), source.state_dict()
    for name, value in mine.items():
        if value.is_floating_point():
            value.mul_(1 - weight).add_(theirs[name], alpha=weight)
        else:
            value.copy_(theirs[name])


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_an_average_has_the_bits_of_its_formula_after_steps_and_after_a_checkpoint_was_put_back():
    torch.manual_seed(0)
    source = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 2))
    source.to(memory_format=torch.channels_last)
    average = Average(source, half_life=100)
    expected = copy.deepcopy(average.network)
    optimizer = torch.optim.Adam(source.parameters(), lr=0.1, foreach=True)

    def steps(batch):
        for _ in range(3):
            optimizer.zero_grad(set_to_none=True)
            source(torch.randn(batch, 1, 6, 6)).square().sum().backward()
            optimizer.step()
            average.update(batch)
            by_the_formula(expected, source, batch, 100)

    steps(16)
    assert same(average.network, expected)
    # A checkpoint is put back by copying into the tensors; then a smaller batch goes on.
    old = [{name: value.clone() for name, value in one.state_dict().items()} for one in (source, average.network)]
    steps(16)
    for network, values in zip((source, average.network), old, strict=True):
        for name, value in network.state_dict().items():
            value.copy_(values[name])
    expected.load_state_dict(average.network.state_dict())
    steps(8)
    assert same(average.network, expected)
    assert not same(average.network, source)
    assert int(average.network[1].num_batches_tracked) == 6


def test_no_step_walks_through_the_networks(monkeypatch):
    average = Average(nn.Linear(2, 2), half_life=100)
    monkeypatch.setattr(nn.Module, "state_dict", None)
    average.update(10)
