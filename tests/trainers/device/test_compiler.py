"""Trainers do without torch's compiler, and whoever asks for it all the same gets the real one."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

TRAINS = """
import sys, torch
from trainers.device import compiler
compiler.keep_out()
weight = torch.nn.Parameter(torch.ones(1))
for kind in (torch.optim.Adam, torch.optim.RMSprop, torch.optim.SGD):
    optimizer = kind([weight], lr=0.125)
    weight.square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())
assert weight.item() != 1
assert "torch._dynamo.symbolic_convert" not in sys.modules
print("trained")
"""
ASKS = """
import sys, torch
from trainers.device import compiler
compiler.keep_out()
import torch._dynamo.config
assert torch._dynamo.config.cache_size_limit > 0
assert "torch._dynamo.symbolic_convert" in sys.modules
compiler.keep_out()
torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.125).zero_grad()
print("compiles")
"""
# For distances of tensors without data, the shape is computed by what is registered in Python alone.
MEASURES = """
import sys
from trainers.device import meta_kernels
meta_kernels.keep_out()
import torch
assert "torch._meta_registrations" in sys.modules
assert not hasattr(sys.modules["torch._meta_registrations"], "__file__")
meta_kernels.keep_out()
{ask}
print(tuple(torch.cdist(torch.ones(3, 2, device="meta"), torch.ones(3, 2, device="meta")).shape))
"""


def _run(code: str) -> str:
    """Run code in a process of its own: other tests of this one may have brought the compiler in."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_optimizers_train_without_importing_the_compiler():
    assert _run(TRAINS) == "trained\n"


def test_the_stand_in_gives_way_to_whoever_asks_for_the_compiler():
    assert _run(ASKS) == "compiles\n"


@pytest.mark.parametrize(
    "ask",
    [
        "meta_kernels.bring_in()",
        "torch._meta_registrations.device_hint",
        "from trainers.device import compiler; compiler.keep_out(); import torch._dynamo.config",
    ],
)
def test_tensors_without_data_are_computed_with_once_somebody_asks(ask):
    assert _run(MEASURES.format(ask=ask)) == "(3, 3)\n"


def test_a_trainer_brings_torch_in_without_what_only_its_compiler_needs():
    warmed = """
import sys
from trainers.__main__ import _warm_up
_warm_up()
import torch
numbers = [torch.rand(2, generator=torch.Generator().manual_seed(seed)).tolist() for seed in (1, 1, 2)]
assert numbers[0] == numbers[1] != numbers[2]
print(hasattr(sys.modules["torch._meta_registrations"], "__file__"), "torch._dynamo.symbolic_convert" in sys.modules)
"""
    assert _run(warmed) == "False False\n"
