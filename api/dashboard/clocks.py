"""How far trainings were at each of their steps, in images and in seconds, so that different ones share an axis.

What is known: after each epoch the images seen so far and the seconds it took, and now the steps and images in all.
Steps lie between images in proportion over the whole run. That is exact while every step takes as many images; it is
not quite when memory ran out and the batch was halved, or where a recipe trains its critic longer at first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

MOST_POINTS = 200
# What a run is behind by rounding: an epoch's images are found from seconds and images a second.
SMALL = 0.02


@dataclass(frozen=True)
class Clock:
    """Places a run came through: `steps[i]` after `images[i]` and `seconds[i]` of training."""

    steps: list[float]
    images: list[float]
    seconds: list[float]


@dataclass(frozen=True)
class Speed:
    """How fast a job ran on one device: medians over its epochs there."""

    device: str
    epochs: int
    seconds_per_epoch: float
    images_per_second: float


def clock(progress: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]], ran_s: float) -> Clock:
    """Return the clock of a job. `ran_s`: seconds since its start, which count while no epoch has ended."""
    places = _by_epochs(epochs) if epochs else [(0.0, 0.0)]
    images, seconds = places[-1]
    now = float(progress["images"])
    if now > images:
        rate = float(epochs[-1]["images_per_second"]) if epochs else now / ran_s if ran_s > 0 else 0.0
        places.append((now, seconds + ((now - images) / rate if rate > 0 else 0.0)))
    per_image = progress["step"] / now if now else 0.0
    places = thinned(places)
    return Clock(
        [round(images * per_image, 2) for images, _ in places],
        [round(images, 2) for images, _ in places],
        [round(seconds, 3) for _, seconds in places],
    )


def _by_epochs(epochs: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return images and seconds at the beginning and after each epoch."""
    first = epochs[0]
    own = first["seconds"] * first["images_per_second"]
    before = first["images"] - own
    # A job that goes on from another's checkpoint begins where that ended; its seconds are its own.
    places = [(0.0 if before < SMALL * own else before, 0.0)]
    seconds = 0.0
    for epoch in epochs:
        seconds += epoch["seconds"]
        places.append((float(epoch["images"]), seconds))
    return places


def speeds(epochs: Sequence[Mapping[str, Any]]) -> list[Speed]:
    """Return how fast a job was on each device that it ran on, in the order in which it came to them."""
    by_device: dict[str, list[Mapping[str, Any]]] = {}
    for epoch in epochs:
        by_device.setdefault(epoch["device"], []).append(epoch)
    return [
        Speed(
            device,
            len(some),
            median(epoch["seconds"] for epoch in some),
            median(epoch["images_per_second"] for epoch in some),
        )
        for device, some in by_device.items()
    ]


def thinned(entries: list[Any], most: int = MOST_POINTS) -> list[Any]:
    """Return the first, the last and at most so many entries, evenly from between."""
    if len(entries) <= most:
        return entries
    return [entries[n * (len(entries) - 1) // (most - 1)] for n in range(most)]
