"""bfloat16 products, float32 weights: near float32's results, never the weights of the step before."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainers.device import precision
from trainers.process.errors import TrainerError

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))


def test_outputs_are_float32_and_near_but_not_equal_to_those_of_float32():
    plain, inputs = network(), torch.randn(32, 64)
    mixed = precision.at(plain, precision.BFLOAT16)
    difference = (mixed(inputs) - plain(inputs)).abs().max()
    assert mixed(inputs).dtype == torch.float32
    assert 1e-5 < difference < 2e-2


def test_float32_is_the_network_itself():
    plain = network()
    assert precision.at(plain, precision.FLOAT32) is plain


def test_weights_and_gradients_stay_float32():
    plain = network()
    precision.at(plain, precision.BFLOAT16)(torch.randn(32, 64)).sum().backward()
    assert {weight.dtype for weight in plain.parameters()} == {torch.float32}
    assert {weight.grad.dtype for weight in plain.parameters()} == {torch.float32}


def test_a_changed_weight_is_seen_by_the_next_call():
    plain, inputs = network(), torch.randn(32, 64)
    mixed = precision.at(plain, precision.BFLOAT16)
    before = mixed(inputs)
    with torch.no_grad():
        plain[2].weight.mul_(2)
        plain[2].bias.mul_(2)
    assert torch.allclose(mixed(inputs), 2 * before, rtol=0.02, atol=0.01)


def test_penalties_have_second_derivatives():
    plain, inputs = network(), torch.randn(32, 64, requires_grad=True)
    (slope,) = torch.autograd.grad(precision.at(plain, precision.BFLOAT16)(inputs).sum(), inputs, create_graph=True)
    slope.square().sum().backward()
    assert plain[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("has", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_auto_follows_the_units_of_the_device(monkeypatch, has, chosen):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has)
    assert precision.chosen("auto", CPU) == chosen
    assert precision.chosen("bfloat16", CPU) == "bfloat16"
    assert precision.chosen("float32", CPU) == "float32"


@pytest.mark.parametrize("begun", ["float32", "bfloat16"])
def test_an_attempt_that_goes_on_keeps_what_the_job_began_with(begun):
    assert precision.chosen("auto", CPU, begun) == begun


def test_a_device_without_bfloat16_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (5, 3))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA Tegra X1")
    with pytest.raises(TrainerError, match=r"NVIDIA Tegra X1 has no bfloat16: set `precision` to float32"):
        precision.chosen("bfloat16", CUDA)
    assert precision.chosen("auto", CUDA) == "float32"
