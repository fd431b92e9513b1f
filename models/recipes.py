"""The recipes: their parameters, presets, the queues that can run them, and the data sets that fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.specs.base import TrainParams
from models.specs.dcgan import DESIGNSPARK, ITHOME, DcganParams
from models.specs.mlp_gan import LAOTOU, MlpGanParams
from models.states import DeviceClass

ALL_QUEUES = (DeviceClass.gpu, DeviceClass.jetson, DeviceClass.cpu)


@dataclass(frozen=True)
class Preset:
    """A published setting, restated to the letter: what it changes from the recipe's defaults, and where it is from."""

    name: str
    description: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A method with its networks. `fits` tells why a data set of this shape does not fit, or None when it does."""

    name: str
    title: str
    description: str
    params: type[TrainParams]
    fits: Callable[[tuple[int, ...]], str | None]
    presets: tuple[Preset, ...] = ()
    queues: tuple[DeviceClass, ...] = ALL_QUEUES
    networks: tuple[str, ...] = field(default=("generator", "discriminator"))

    def preset(self, name: str) -> Preset | None:
        """Return the preset of this name, or None."""
        return next((preset for preset in self.presets if preset.name == name), None)


def _grey_28(shape: tuple[int, ...]) -> str | None:
    if tuple(shape) == (1, 28, 28):
        return None
    size = "x".join(str(n) for n in shape)
    return f"needs grey images of 28x28 pixels; this data set has {size} (channels x height x width)"


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mlp_gan",
            title="MLP GAN",
            description="The first GAN (Goodfellow et al. 2014) with fully connected networks. Digits in two minutes "
            "on a laptop.",
            params=MlpGanParams,
            fits=_grey_28,
            presets=(
                Preset(
                    "laotou",
                    "The tutorial's own settings: normalisation .1/.5, fresh noise for each step, 1000 epochs. Its "
                    "normalisation leaves a frame of salt noise around the digits.",
                    LAOTOU,
                ),
            ),
        ),
        Recipe(
            name="dcgan",
            title="DCGAN (28 px)",
            description="Convolutional networks with batch normalisation (Radford et al. 2016).",
            params=DcganParams,
            fits=_grey_28,
            presets=(
                Preset(
                    "ithome",
                    "The article's settings: Adam 1e-3 with default betas and initialisation, training and test images "
                    "together, stop after 100 epochs without a better generator loss. The discriminator tends to win "
                    "within one epoch; the alerts say so.",
                    ITHOME,
                ),
                Preset(
                    "designspark",
                    "The benchmark's settings: 100 epochs, seconds per epoch recorded, so that devices can be compared "
                    "(GTX 1080 about 310 s, Jetson Nano about 1030 s an epoch in the source).",
                    DESIGNSPARK,
                ),
            ),
        ),
    )
}


def resolve_params(recipe: Recipe, preset: Preset | None, given: dict[str, Any]) -> TrainParams:
    """Fill in the preset and the defaults around what was given; what was given wins.

    A budget given in one unit replaces a budget that preset or defaults hold in the other.

    Raises:
        pydantic.ValidationError: a field is unknown, out of bounds or of the wrong type.
    """
    merged: dict[str, Any] = {**(preset.params if preset else {}), **given}
    if given.get("images") is not None and "epochs" not in given:
        merged["epochs"] = None
    return recipe.params.model_validate(merged)
