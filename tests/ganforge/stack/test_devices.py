"""One supervisor for each GPU, pinned by its UUID; one for a Jetson; one for the processor where nothing better is."""

from __future__ import annotations

import pytest

from ganforge.errors import StackError
from ganforge.stack.devices import Seat, seats

FIRST, SECOND = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777-8888-9999-000000000000"
LISTED = f"""\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: {FIRST})
  MIG 1g.10gb     Device  0: (UUID: MIG-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)
GPU 1: NVIDIA GeForce GTX 1080 (UUID: {SECOND})
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return an empty root, with a path in which nvidia-smi can be put."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return tmp_path


def with_driver(root, listing=LISTED, code=0):
    (root / "listed").write_text(listing)
    program = root / "bin" / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat {root}/listed\nexit {code}\n")
    program.chmod(0o755)


def with_board(root):
    (root / "etc").mkdir()
    (root / "etc/nv_tegra_release").write_text("# R36\n")


GPUS = [Seat("worker-gpu-0", "gpu", FIRST), Seat("worker-gpu-1", "gpu", SECOND)]
BOARD, PROCESSOR = Seat("worker-jetson", "jetson", "0"), Seat("worker-cpu", "cpu", "cpu")


def test_every_gpu_gets_a_supervisor_of_its_own(root):
    with_driver(root)
    assert seats(None, root) == GPUS
    assert seats("cpu,gpu", root) == [*GPUS, PROCESSOR]
    assert seats("cpu", root) == [PROCESSOR]


def test_a_jetson_has_one_gpu_without_a_uuid(root):
    with_board(root)
    with_driver(root, "GPU 0: Orin (nvgpu) (UUID: 12345678-1234-1234-1234-123456789012)\n")
    assert seats("", root) == [BOARD]
    assert seats("jetson,cpu", root) == [BOARD, PROCESSOR]


def test_where_there_is_nothing_better_the_processor_works(root):
    assert seats(None, root) == [PROCESSOR]
    with_driver(root, "NVIDIA-SMI has failed\n", code=9)
    assert seats(None, root) == [PROCESSOR]


@pytest.mark.parametrize("asked", ["gpu", "jetson", "cpu,gpu"])
def test_a_device_that_was_asked_for_and_is_not_there_is_an_error_that_says_so(root, asked):
    with pytest.raises(StackError, match=r"leave (gpu|jetson) out"):
        seats(asked, root)
