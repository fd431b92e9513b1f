"""Ends a job whose networks can never be trained in the memory that there is, before any time is spent on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

import torch

from models import memory
from models.formats import gigabytes
from models.messages import Failures
from trainers.data import device_memory
from trainers.loop import method_tensors
from trainers.methods import optimizers
from trainers.process.errors import OutOfMemoryError

if TYPE_CHECKING:
    from trainers.methods import Method

# Memory that was freed but not given back counts as held, and can be used again: a job that may fit is tried.
_SLACK_BYTES = 128 << 20


def refuse_oversized(method: Method, *, resumed: bool) -> None:
    """Compare what training takes at the least, whatever the batch, with what the GPU or the process has left.

    Without this a job that cannot fit draws its first grid, fails in its first step, and halves its batch again and
    again, though what does not fit are its networks.

    Raises:
        OutOfMemoryError
    """
    device = method.feed.draws.device
    room = _room(device)
    # The copy to go back to is on the host, and a resumed job has it: the checkpoint that was read.
    needed = _least(method, copies=device.type == "cpu" and not resumed)
    if room is not None and needed > room.left + _SLACK_BYTES:
        sizes = {"needed": needed, "held": room.allowed - room.left, "allowed": room.allowed}
        in_gigabytes = {name: gigabytes(size) for name, size in sizes.items()}
        raise OutOfMemoryError(Failures.networks_too_large(**in_gigabytes))


def _room(device: torch.device) -> memory.Room | None:
    """Return what this process may hold where it trains: on a GPU, or by its own limits. None: it has no limit."""
    if device.type != "cuda":
        return memory.room()
    held = torch.cuda.memory_allocated(device)
    # What torch keeps for later can be used again.
    left = device_memory.free(device) + torch.cuda.memory_reserved(device) - held
    return memory.Room(held + left, left)


def _least(method: Method, *, copies: bool) -> int:
    """Return the bytes that are still to come at the least: a copy of the state if asked, moments, and gradients."""
    weights = {name: _bytes(optimizers.weights(one)) for name, one in method.optimizers.items()}
    # The moments of an optimizer come with its first step; a resumed job has them already.
    moments = sum(weights[name] * optimizers.moments(one) for name, one in method.optimizers.items() if not one.state)
    # The gradients of one network are freed before the next one is trained.
    state = _bytes(method_tensors.named(method).values()) if copies else 0
    return state + moments + max(weights.values(), default=0)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
