"""Optimizers, in the fastest form that this torch has on this device."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Iterable

import torch

if TYPE_CHECKING:
    from models.specs.base import AdversarialParams


def make(params: AdversarialParams, weights: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer that the parameters ask for. The method sets its learning rate before every step.

    Adam: Kingma and Ba 2015. RMSprop: Tieleman and Hinton 2012, with torch's smoothing constant .99.
    """
    listed = list(weights)
    if params.optimizer == "rmsprop":
        return torch.optim.RMSprop(listed, lr=1.0, foreach=True)
    betas = (params.beta1, params.beta2)
    # Fused: one kernel updates all weights. Foreach: one kernel for each operation of the update.
    if _recordable_adam(listed[0].device.type):
        rate = torch.ones((), device=listed[0].device)
        return torch.optim.Adam(listed, lr=rate, betas=betas, fused=True, capturable=True)
    if _fused_adam(listed[0].device.type):
        return torch.optim.Adam(listed, lr=1.0, betas=betas, fused=True)
    return torch.optim.Adam(listed, lr=1.0, betas=betas, foreach=True)


def sgd(weights: Iterable[torch.nn.Parameter], weight_decay: float) -> torch.optim.Optimizer:
    """Return stochastic gradient descent. The method sets learning rate and momentum before every step."""
    return torch.optim.SGD(list(weights), lr=1.0, momentum=0.9, weight_decay=weight_decay, foreach=True)


def weights(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Return the weights that an optimizer changes."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def moments(optimizer: torch.optim.Optimizer) -> int:
    """Return how many numbers an optimizer keeps for each weight, from its first step on."""
    return 2 if isinstance(optimizer, torch.optim.Adam) else 1


def warm_up() -> None:
    """Let torch load what its first optimizer needs, so that no job waits for it."""
    _fused_adam("cpu")


def recordable(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether a CUDA graph can hold a step of this optimizer: it reads its step size on the device."""
    return all(group.get("capturable") and isinstance(group["lr"], torch.Tensor) for group in optimizer.param_groups)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the step size of every group."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def set_momentum(optimizer: torch.optim.Optimizer, momentum: float) -> None:
    """Set the momentum of every group."""
    for group in optimizer.param_groups:
        group["momentum"] = momentum


def set_betas(optimizer: torch.optim.Optimizer, beta1: float, beta2: float) -> None:
    """Set Adam's decays of every group."""
    for group in optimizer.param_groups:
        group["betas"] = (beta1, beta2)


@lru_cache(maxsize=None)
def _fused_adam(device: str) -> bool:
    """Return whether a fused step works here: on CUDA since torch 2.0, on the CPU since 2.4."""
    return _fused_step_works(device, 1e-3)


@lru_cache(maxsize=None)
def _recordable_adam(device: str) -> bool:
    """Return whether a CUDA graph can hold a fused step: with a step size on the device, since torch 2.1."""
    return device == "cuda" and _fused_step_works(device, torch.ones((), device=device), capturable=True)


def _fused_step_works(device: str, rate: float | torch.Tensor, *, capturable: bool = False) -> bool:
    """Return whether Adam takes a fused step here. Trying it is the only test for every torch and every device."""
    weight = torch.nn.Parameter(torch.zeros(1, device=device))
    weight.grad = torch.zeros_like(weight)
    try:
        torch.optim.Adam([weight], lr=rate, fused=True, capturable=capturable).step()
    except (RuntimeError, TypeError, NotImplementedError, ValueError):
        return False
    return True
