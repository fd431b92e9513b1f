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


def _run(code: str) -> str:
    """Run code in a process of its own: other tests of this one may have brought the compiler in."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_optimizers_train_without_importing_the_compiler():
    assert _run(TRAINS) == "trained\n"


def test_the_stand_in_gives_way_to_whoever_asks_for_the_compiler():
    assert _run(ASKS) == "compiles\n"
