"""A recipe as the service knows it. Each module in this package that defines one assigns it to `RECIPE`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.messages import Message, ParameterFaults, Words, verbatim
from models.specs.base import TrainParams
from models.states import DeviceClass

ALL_QUEUES = (DeviceClass.gpu, DeviceClass.jetson, DeviceClass.cpu)
# Sizes for networks that double or halve the resolution from stage to stage.
POWERS_OF_TWO = (16, 32, 64, 128, 256)


class Needs(StrEnum):
    """What a recipe needs in a data set besides images."""

    nothing = "nothing"
    classes = "classes"
    domains = "domains"


def never(_params: TrainParams) -> bool:
    """Return False, whatever the parameters."""
    return False


@dataclass(frozen=True)
class Preset:
    """A published setting, copied exactly: its source, and the defaults of the recipe that it changes."""

    name: str
    description: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A training method with its networks, and the data sets that it can train on.

    `networks` names the networks of a checkpoint; `outputs` what a sampling job can make from one. `spares_classes`
    tells with which parameters a recipe that needs classes does without.
    """

    name: str
    title: str
    description: str
    source: str  # who published it
    params: type[TrainParams]
    sizes: Sequence[int]  # sides, in pixels, of the images that its networks can take, smallest first
    position: int  # lists of recipes are in this order
    needs: Needs = Needs.nothing
    spares_classes: Callable[[TrainParams], bool] = never
    presets: tuple[Preset, ...] = ()
    networks: tuple[str, ...] = ("generator", "discriminator")
    queues: tuple[DeviceClass, ...] = ALL_QUEUES
    outputs: tuple[str, ...] = ("grid", "images", "interpolation")

    @property
    def generates_images(self) -> bool:
        """Whether it has a generator of images from noise: classifiers have none, and translators take images."""
        return "images" in self.outputs

    def preset(self, name: str) -> Preset | None:
        """Return the preset of this name, or None."""
        return next((preset for preset in self.presets if preset.name == name), None)

    def sizes_in_words(self) -> Message:
        """Return the sizes as a phrase: "16, 32 or 64", or "8 to 128"."""
        first, last = self.sizes[0], self.sizes[-1]
        if len(self.sizes) > 8:
            step = self.sizes[1] - first
            if step == 1:
                return ParameterFaults.sizes_range(first=first, last=last)
            return ParameterFaults.sizes_steps(first=first, last=last, step=step)
        if len(self.sizes) == 1:
            return verbatim(first)
        return Words.either(some=[str(size) for size in self.sizes[:-1]], last=last)
