"""A recipe as a trainer knows it. Each module in this package that defines one assigns it to `RECIPE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, NamedTuple

from trainers.methods import objectives, schedules

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from trainers.methods.adversarial import Players
    from trainers.methods.objectives import Objective
    from trainers.methods.schedules import PlayerSchedule


class DataInfo(NamedTuple):
    """What networks must know of the data: (channels, height, width), the number of classes, the mean image or None."""

    shape: tuple[int, ...]
    classes: int
    mean: Tensor | None = None


Networks = Callable[[Any, DataInfo], Dict[str, "nn.Module"]]


def never(_params: Any) -> bool:
    """Return False, whatever the parameters."""
    return False


def no_pixels(_params: Any) -> int:
    """Return 0, whatever the parameters."""
    return 0


class Recipe(NamedTuple):
    """How to build a recipe's networks and train them. Functions take the parameters of the recipe's spec."""

    networks: Networks  # by name
    objective: Callable[[Any, torch.device], Objective] = objectives.cross_entropy  # of an adversarial recipe
    # How often the discriminator learns, and Adam's beta2 over the budget, of an adversarial recipe.
    schedule: Callable[[Any], PlayerSchedule] = schedules.constant
    method: str = "adversarial"  # or "translation", "classification"
    # Convolutions with their weights as oneDNN's and cuDNN's kernels want them: up to half as fast again on a CPU, but
    # not where most of the time goes into second derivatives of small networks.
    channels_last: bool = True
    wants_mean: Callable[[Any], bool] = never  # whether the networks are built from the mean image of the data
    # Pixels by which stored images exceed what the networks see, so that a window can be cut out at random.
    margin: Callable[[Any], int] = no_pixels
    # Pixels by which the discriminator of an adversarial recipe sees its images moved at random.
    shift: Callable[[Any], int] = no_pixels


def pair(players: Callable[[Any, tuple[int, ...], Tensor | None], Players]) -> Networks:
    """Return a builder of networks by name from a function that builds a generator and a discriminator."""

    def build(params: Any, data: DataInfo) -> dict[str, nn.Module]:
        return dict(players(params, data.shape, data.mean)._asdict())

    return build
