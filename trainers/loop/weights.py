"""One network, built and filled from a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, Sequence

from models.messages import CheckpointFaults, Failures
from models.wire import Bound
from trainers import recipes
from trainers.loop import method_tensors
from trainers.process.errors import CheckpointCorruptError, TrainerError
from trainers.process.spec import as_params
from trainers.recipes import DataInfo

if TYPE_CHECKING:
    from torch import nn

    from trainers.loop.checkpoints import Snapshot

_MOST_CHANNELS = 3


def restore(recipe: str, snapshot: Snapshot, name: str, bounds: Mapping[str, Bound]) -> nn.Module:
    """Build a network that the checkpoint describes, with its average weights if there are any, on the CPU.

    ``bounds`` are those of the recipe's parameters: nothing larger is built, whatever the checkpoint claims.

    Raises:
        CheckpointCorruptError: it belongs to another recipe, or does not describe its networks.
        TrainerError: the recipe has no network of this name.
    """
    meta = snapshot.meta
    try:
        if meta["recipe"] != recipe:
            raise CheckpointCorruptError(
                CheckpointFaults.other_recipe(recipe=repr(meta["recipe"]), wanted=repr(recipe))
            )
        _check(meta["params"], meta["shape"], bounds)
        data = DataInfo(tuple(meta["shape"]), len(meta["classes"]))
        built = recipes.networks(recipe, as_params(meta["params"]), data, meta["seed"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointCorruptError(CheckpointFaults.undescribed(error=str(error))) from error
    if name not in built:
        raise TrainerError(Failures.no_such_network(recipe=recipe, name=name))
    # The average makes the better images, so it is what people get, if the training kept one.
    prefix = f"averages/{name}/"
    if not any(tensor.startswith(prefix) for tensor in snapshot.tensors):
        prefix = f"networks/{name}/"
    method_tensors.restore_network(built[name], prefix, snapshot.tensors)
    return built[name]


def _check(params: Mapping[str, object], shape: Sequence[int], bounds: Mapping[str, Bound]) -> None:
    """Refuse a checkpoint, which may be anybody's file, that would make this process build a network of any size."""
    for name, bound in bounds.items():
        value = params.get(name)
        if value is not None and not _within(value, bound):
            raise CheckpointCorruptError(CheckpointFaults.claims_value(field=name, value=str(value)))
    channels, *sides = shape
    small = all(_within(side, bounds["image_size"]) for side in sides)
    if not small or len(sides) != 2 or not 1 <= channels <= _MOST_CHANNELS:
        raise CheckpointCorruptError(CheckpointFaults.claims_shape(shape=str(shape)))


def _within(value: object, bound: Bound) -> bool:
    if isinstance(value, list):
        return len(value) <= (bound.items or 0) and all(_within(one, Bound(bound.most)) for one in value)
    return isinstance(value, (int, float)) and 0 <= value <= bound.most
