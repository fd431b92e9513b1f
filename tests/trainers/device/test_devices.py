"""What a device is prepared for."""

from __future__ import annotations

import pytest
import torch

from trainers.device import devices


@pytest.fixture
def tf32():
    """Let products be rounded to TF32, and decide as before afterwards."""
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
    before = [switch.fp32_precision for switch in switches]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield switches
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True
    for switch, value in zip(switches, before, strict=True):
        switch.fp32_precision = value


def test_float32_is_not_rounded_to_tf32(tf32):
    assert {switch.fp32_precision for switch in tf32} == {"tf32"}
    devices.prepare("cpu", 1, exact=False)
    assert {switch.fp32_precision for switch in tf32} == {"ieee"}
    # Both ways to ask agree; torch refuses to answer where they do not.
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_a_torch_without_the_new_switches_is_told_by_the_old_ones(tf32, monkeypatch):
    monkeypatch.delattr(type(torch.backends.cudnn), "fp32_precision")
    devices.prepare("cpu", 1, exact=False)
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
