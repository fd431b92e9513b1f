"""The hardware and the libraries that compute: what the last bits of weights depend on beside the job itself."""

from __future__ import annotations

from typing import Dict, Mapping

import torch

from trainers.device import devices

# By name, as text. The number of threads is not among them: a job keeps that of its first attempt.
Identity = Dict[str, str]


def of(device: torch.device, pillow: str | None = None) -> Identity:
    """Return the identity of this process. ``pillow`` is the version that decoded the images, if they were decoded."""
    found = {"kind": device.type, "device": devices.name(device), "torch": str(torch.__version__)}
    if device.type == "cuda":
        found["cuda"] = str(torch.version.cuda)
        found["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
        found["tf32"] = "on" if devices.rounds_to_tf32() else "off"
    else:
        found["instructions"] = _instructions()
    if pillow is not None:
        found["pillow"] = pillow
    return found


def differences(begun: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Return what differs, as `torch 2.13.0 -> 2.14.1`. What only one of them tells is left out."""
    return [f"{name} {begun[name]} -> {here[name]}" for name in here if begun.get(name, here[name]) != here[name]]


def _instructions() -> str:
    """Return the instruction set that torch has chosen its kernels for."""
    cpu = getattr(torch.backends, "cpu", None)  # since torch 2.1
    return "unknown" if cpu is None else str(cpu.get_cpu_capability())
