"""The tensors of a method by name: copied out of it for a checkpoint, and restored from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from models.messages import CheckpointFaults
from trainers.process.errors import CheckpointCorruptError

if TYPE_CHECKING:
    from torch import nn

    from trainers.methods import Method


def named(method: Method) -> dict[str, torch.Tensor]:
    """Return the live tensors: ``networks/…``, ``averages/…``, ``extras/…``, ``optimizers/<name>/<number>/<what>``."""
    tensors = dict(_of_networks(method))
    for name, optimizer in method.optimizers.items():
        # Torch numbers the weights of an optimizer in the order in which it was given them.
        for index, values in optimizer.state_dict()["state"].items():
            for what, value in values.items():
                if value is None:
                    continue
                # Torch 1.13 counts RMSprop's steps in a plain number.
                tensors[f"optimizers/{name}/{index}/{what}"] = torch.as_tensor(value)
    return tensors


def copies(method: Method, spare: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies of all tensors, contiguous, on the host, so that training can go on while they are written.

    Copies go into the tensors of ``spare`` where they fit: new memory costs several times as much as the copying.
    """
    copied = {}
    for name, value in named(method).items():
        old = spare.get(name)
        if old is None or old.shape != value.shape or old.dtype != value.dtype:
            old = torch.empty(value.shape, dtype=value.dtype)
        # From a GPU one after the other, in the order of its memory, so that nothing is allocated there: a copy that
        # could fail halfway would leave the snapshot before, whose memory this is, half written over.
        copied[name] = old.copy_(value.detach().cpu())
    return copied


def restore(method: Method, tensors: dict[str, torch.Tensor]) -> None:
    """Put a snapshot's tensors back into a method of the same shape.

    Raises:
        CheckpointCorruptError: a tensor is missing, left over, or has another shape or type.
    """
    # Compared before anything is copied: a checkpoint that does not fit must not leave a method half restored.
    live = dict(_of_networks(method))
    given = {name: value for name, value in tensors.items() if name.startswith(("networks/", "averages/", "extras/"))}
    for name in sorted(set(live) ^ set(given)):
        raise CheckpointCorruptError(
            CheckpointFaults.lacks_tensor(name=name) if name in live else CheckpointFaults.unknown_tensor(name=name)
        )
    for name, value in live.items():
        _must_match(name, value, given[name])
    with torch.no_grad():
        for name, value in live.items():
            value.copy_(given[name])
    for name, optimizer in method.optimizers.items():
        _restore_optimizer(name, optimizer, tensors)


def restore_network(network: nn.Module, prefix: str, tensors: dict[str, torch.Tensor]) -> None:
    """Put the tensors under a prefix into one network.

    Raises:
        CheckpointCorruptError: a tensor is missing, or has another shape or type.
    """
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if prefix + name not in tensors:
                raise CheckpointCorruptError(CheckpointFaults.lacks_tensor(name=prefix + name))
            _must_match(prefix + name, value, tensors[prefix + name])
            value.copy_(tensors[prefix + name])


def all_finite(method: Method) -> bool:
    """Return whether every weight and running statistic is a number. Waits for the device once."""
    checks = [value.isfinite().all() for _, value in _of_networks(method) if value.is_floating_point()]
    return bool(torch.stack(checks).all())


def _of_networks(method: Method) -> list[tuple[str, torch.Tensor]]:
    sources = [(f"networks/{name}", network) for name, network in method.networks.items()]
    sources += [(f"averages/{name}", average.network) for name, average in method.averages.items()]
    named = [(f"{prefix}/{name}", value) for prefix, network in sources for name, value in network.state_dict().items()]
    return named + [(f"extras/{name}", value) for name, value in method.extras.items()]


def _must_match(name: str, wanted: torch.Tensor, given: torch.Tensor) -> None:
    if wanted.shape != given.shape or wanted.dtype != given.dtype:
        raise CheckpointCorruptError(
            CheckpointFaults.other_tensor(
                name=name,
                given=str(given.dtype),
                given_shape=str(tuple(given.shape)),
                wanted=str(wanted.dtype),
                shape=str(tuple(wanted.shape)),
            )
        )


def _restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Load the moments and counters under ``optimizers/<name>/``; learning rates are set before every step.

    An optimizer that has them already keeps its tensors, so that going back never holds moments twice.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    made = False
    for key, value in tensors.items():
        head, _, rest = key.partition("/")
        if head != "optimizers" or not rest.startswith(f"{name}/"):
            continue
        index, _, what = rest[len(name) + 1 :].partition("/")
        if not index.isdecimal() or int(index) >= len(weights):
            raise CheckpointCorruptError(CheckpointFaults.unknown_tensor(name=key))
        weight = weights[int(index)]
        if value.dim():
            _must_match(key, weight, value)
        held = optimizer.state.get(weight, {}).get(what)
        # Torch 1.13 counts RMSprop's steps in a plain number.
        if not isinstance(held, torch.Tensor):
            made = True
            # Fused kernels go through memory in order: the state needs its weight's layout, channels_last included.
            held = torch.empty_like(weight) if value.dim() else torch.empty_like(value)
        state.setdefault(int(index), {})[what] = held.copy_(value)
    # Nothing was made and nothing is left over: all is in place.
    if made or len(state) != len(optimizer.state):
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
