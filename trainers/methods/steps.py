"""One optimizer step, and networks in evaluation mode: what all methods share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator

import torch

if TYPE_CHECKING:
    from torch import nn


def learn(optimizer: torch.optim.Optimizer, loss: torch.Tensor, *networks: nn.Module) -> torch.Tensor:
    """Take one optimizer step down a scalar loss; return the norm of the networks' gradients, on the device."""
    norm = differentiate(optimizer, loss, *networks)
    optimizer.step()
    return norm


def differentiate(optimizer: torch.optim.Optimizer, loss: torch.Tensor, *networks: nn.Module) -> torch.Tensor:
    """Compute the gradients of a scalar loss for an optimizer's step; return their norm, on the device."""
    # None instead of zeros: the backward pass writes gradients where it would otherwise read and add.
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    # A metric: a norm that grows is the first sign of a training that diverges. It is not clipped.
    return gradient_norm(*networks)


def gradient_norm(*networks: nn.Module) -> torch.Tensor:
    """Return the Euclidean norm of all gradients of some networks together, as a scalar on the device."""
    gradients = [weight.grad for network in networks for weight in network.parameters() if weight.grad is not None]
    norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(_norms(gradients)))
    return norm


def _one_by_one(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.linalg.vector_norm(tensor) for tensor in tensors]


# One call for all tensors where this torch has it, which saves a dozen kernel launches in each step.
_norms: Callable[[list[torch.Tensor]], list[torch.Tensor]] = getattr(torch, "_foreach_norm", _one_by_one)


@torch.no_grad()
def generate(generator: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Run a generator in evaluation mode: noise or images [N, ...] -> images [N, C, H, W]."""
    with evaluating(generator):
        images: torch.Tensor = generator(inputs)
    return images


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and back also after an error: training continues after out-of-memory."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


@contextmanager
def by_batch_statistics(network: nn.Module) -> Iterator[None]:
    """Put a network into training mode for a look at it: its running statistics are put back, also after an error."""
    training = network.training
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    network.train()
    try:
        yield
    finally:
        network.train(training)
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
