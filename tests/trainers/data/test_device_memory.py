"""How much of a GPU's memory is free; a board's is that of the CPU. Only CUDA's answers are stood in for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from models import memory
from trainers.data import device_memory, loader
from trainers.loop import memory_check

CUDA = torch.device("cuda")
GIB = 1 << 30


@pytest.fixture
def gpu(monkeypatch):
    """Return a function that says what CUDA answers: whether the GPU shares memory, and what is free of it."""

    def answers(*, integrated, free):
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(is_integrated=integrated))
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free, 64 * GIB))

    return answers


def test_a_gpu_has_what_cuda_says(gpu, tmp_path):
    gpu(integrated=0, free=5 * GIB)
    assert device_memory.free(CUDA) == 5 * GIB


def test_a_board_has_what_the_kernel_can_give(gpu, tmp_path):
    gpu(integrated=1, free=GIB)
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000000 kB\nMemFree: 100 kB\nMemAvailable:    3145728 kB\n")
    assert device_memory.free(CUDA, meminfo) == 3 * GIB
    # A kernel that does not tell leaves CUDA's answer.
    assert device_memory.free(CUDA, tmp_path / "missing") == GIB
    meminfo.write_text("MemTotal: 8000000 kB\n")
    assert memory.available(meminfo) is None


def test_this_machine_tells_what_it_can_give():
    assert 0 < memory.available() < 1 << 50


def test_pixels_stay_on_the_host_where_they_would_leave_a_gpu_too_little(gpu):
    gpu(integrated=0, free=10 * GIB)
    assert loader._fits(4 * GIB, CUDA)
    assert not loader._fits(6 * GIB, CUDA)
    assert not loader._fits(1, torch.device("cpu"))


def test_networks_are_held_against_the_memory_of_the_gpu_they_train_on(gpu, monkeypatch):
    gpu(integrated=0, free=3 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 2 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 6 * GIB)
    # Three that nobody has, four that torch keeps for later.
    assert memory_check._room(CUDA) == memory.Room(9 * GIB, 7 * GIB)
