"""bfloat16 products, float32 weights: near float32's results, never the weights of the step before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainers.attempts import Attempt
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


# Float32 products of MKL and bfloat16 products of oneDNN, each with all instructions and with older ones.
SLOWED = [{}, {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}, {"ONEDNN_MAX_CPU_ISA": "AVX2"}]
# Prints what is chosen, what the log shows of it, and the same ratio for larger products on all threads, best of eight.
CHOOSE = """
import json, time, torch
from trainers.device import precision

def seconds(factor):
    began = time.perf_counter()
    torch.mm(factor, factor)
    return time.perf_counter() - began

torch.set_num_threads(2)
chosen, speedup = precision.choose("auto", torch.device("cpu"))
best = [min(seconds(torch.ones(320, 320, dtype=dtype)) for _ in range(8)) for dtype in (torch.float32, torch.bfloat16)]
print(json.dumps([chosen, speedup, best[0] / best[1], torch.get_num_threads()]))
"""

# Prints the ratio, and how a job goes on that began in bfloat16: code and words of its failure, or its precision.
GO_ON = """
import json, torch
from trainers.device import precision
from trainers.process.errors import as_failure

torch.set_num_threads(2)
speedup = precision.measured_speedup()
try:
    print(json.dumps([speedup, None, precision.choose("auto", torch.device("cpu"), "bfloat16").precision]))
except Exception as error:
    code, message = as_failure(error)
    print(json.dumps([speedup, code, str(message)]))
"""


@pytest.mark.parametrize("slowed", SLOWED, ids=str)
def test_auto_agrees_with_the_speed_of_products_away_from_the_limit(slowed):
    command = [sys.executable, "-c", CHOOSE]
    told = subprocess.run(command, env={**os.environ, **slowed}, capture_output=True, text=True, check=True).stdout
    chosen, speedup, ratio, threads = json.loads(told)
    assert chosen == ("bfloat16" if speedup >= 1.5 else "float32")
    if ratio < 0.75 or ratio > 3:
        assert chosen == ("bfloat16" if ratio > 1.5 else "float32")
    assert threads == 2


def test_bfloat16_is_worthwhile_where_it_is_clearly_faster():
    assert [precision.worthwhile(speedup) for speedup in (0.2, 1, 1.4)] == ["float32"] * 3
    assert [precision.worthwhile(speedup) for speedup in (1.6, 4, 20)] == ["bfloat16"] * 3


def test_what_is_measured_is_the_same_again():
    first, second = precision.measured_speedup(), precision.measured_speedup()
    assert first == pytest.approx(second, rel=0.5)


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_a_job_asks_for_is_not_measured(asked):
    assert precision.choose(asked, CPU) == (asked, None)


@pytest.mark.parametrize(("asked", "begun"), [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")])
def test_an_attempt_that_goes_on_keeps_what_the_job_began_with(asked, begun):
    assert precision.choose(asked, CPU, begun) == (begun, None)


@pytest.mark.parametrize("slowed", SLOWED, ids=str)
def test_a_job_that_began_in_bfloat16_goes_on_only_where_it_is_no_slower_than_float32(slowed):
    command = [sys.executable, "-c", GO_ON]
    told = subprocess.run(command, env={**os.environ, **slowed}, capture_output=True, text=True, check=True).stdout
    speedup, code, words = json.loads(told)
    if 0.8 < speedup < 1.25:
        return
    if speedup > 1:
        assert (code, words) == (None, "bfloat16")
    else:
        assert code == "no_units"
        assert "resume it on a worker whose processor has bfloat16 units" in words


def test_a_job_that_asked_for_bfloat16_itself_goes_on_anywhere(make_spec):
    asked = {"epochs": 1, "precision": "bfloat16"}
    attempt = Attempt.run(json.dumps(make_spec(**asked)))
    again = Attempt.run(json.dumps(make_spec(**{**asked, "epochs": 2}, resume=attempt.checkpoint)))
    assert again.messages[-1]["type"] == "done"


def test_a_job_says_what_was_measured_and_reports_what_was_chosen(make_spec):
    attempt = Attempt.run(json.dumps(make_spec(epochs=1, precision="auto")))
    (told,) = [m["text"]["params"] for m in attempt.of("log") if m["text"]["code"] == "precision_measured"]
    report = json.loads(Path(attempt.files("report")[0]["path"]).read_text())
    assert told["precision"] == report["precision"] == precision.worthwhile(float(told["times"]))
    again = Attempt.run(json.dumps(make_spec(epochs=2, precision="auto", resume=attempt.checkpoint)))
    assert not again.of("log")


def test_a_device_without_bfloat16_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (5, 3))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA Tegra X1")
    with pytest.raises(TrainerError, match=r"NVIDIA Tegra X1 has no bfloat16: set `precision` to float32"):
        precision.choose("bfloat16", CUDA)
    assert precision.choose("auto", CUDA).precision == "float32"
