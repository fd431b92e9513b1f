"""Copies from the host to a GPU that the training does not wait for."""

from __future__ import annotations

import torch


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return the tensor on the device, or itself if it is there already.

    A GPU copies pinned memory by itself, in its turn among the kernels. A copy from any other memory makes the host
    wait until the GPU has finished all that it was given, and then the GPU waits for the host.
    """
    # A process sees one GPU at most, so the kind of device tells enough.
    if tensor.device.type == device.type:
        return tensor
    # Torch reuses pinned memory only after the copy out of it is done.
    return tensor.pin_memory().to(device, non_blocking=True)
