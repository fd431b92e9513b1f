"""One network, built and filled from a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, cast

from trainers import recipes
from trainers.loop import state
from trainers.process.errors import CheckpointCorruptError, TrainerError
from trainers.process.spec import as_params
from trainers.recipes import DataInfo

if TYPE_CHECKING:
    from torch import nn

    from trainers.loop.checkpoints import Snapshot

# What the API allows; a checkpoint that claims more would make networks of any size.
_LARGEST = {"noise_dim": 4096, "width": 512, "hidden": 4096, "blocks": 16, "extra_layers": 8}
_LARGEST_GROUPS = 6
_LARGEST_SHAPE = (3, 512, 512)


def restore(recipe: str, snapshot: Snapshot, name: str) -> nn.Module:
    """Build a network that the checkpoint describes, with its average weights if there are any, on the CPU.

    Raises:
        CheckpointCorruptError: it belongs to another recipe, or does not describe its networks.
        TrainerError: the recipe has no network of this name.
    """
    meta = snapshot.meta
    try:
        if meta["recipe"] != recipe:
            raise CheckpointCorruptError(
                f"the checkpoint belongs to the recipe {meta['recipe']!r}, the job to {recipe!r}"
            )
        _check(meta["params"], meta["shape"])
        data = DataInfo(tuple(meta["shape"]), len(meta["classes"]))
        built = recipes.networks(recipe, as_params(meta["params"]), data, meta["seed"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointCorruptError(f"the checkpoint does not describe its networks: {error}") from error
    if name not in built:
        raise TrainerError(f"{recipe} has no {name}, so it cannot make this output")
    # The average makes the better images, so it is what people get, if the training kept one.
    prefix = f"averages/{name}/"
    if not any(tensor.startswith(prefix) for tensor in snapshot.tensors):
        prefix = f"networks/{name}/"
    state.restore_network(built[name], prefix, snapshot.tensors)
    return built[name]


def _check(params: Mapping[str, object], shape: list[int]) -> None:
    """Refuse a checkpoint, which may be anybody's file, that would make this process build a network of any size."""
    for field, largest in _LARGEST.items():
        value = params.get(field)
        if value is not None and not (isinstance(value, (int, float)) and 0 <= value <= largest):
            raise CheckpointCorruptError(f"the checkpoint claims a {field} of {value}")
    groups = cast("list[int]", params.get("groups", []))
    if len(groups) > _LARGEST_GROUPS or any(not 1 <= blocks <= _LARGEST["blocks"] for blocks in groups):
        raise CheckpointCorruptError(f"the checkpoint claims groups of {groups}")
    if len(shape) != len(_LARGEST_SHAPE) or any(not 1 <= n <= most for n, most in zip(shape, _LARGEST_SHAPE)):
        raise CheckpointCorruptError(f"the checkpoint claims images of {shape}")
