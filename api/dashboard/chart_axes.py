"""Images and seconds at each training step, so that different jobs share an axis.

What is known: at the end of each epoch the steps done, the images seen and the seconds it took; the step from which
the batch was halved, and the images by then; and now the steps and images in all. Between two such places both grow in
proportion. Epochs that were told before they told their step lie between the others' in proportion to their images.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

MOST_POINTS = 200
# Tolerance for rounding: the images of an epoch are computed from its seconds and images per second.
SMALL = 0.02

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Clock:
    """Points of a run: `steps[i]` was reached after `images[i]` and `seconds[i]` of training."""

    steps: list[float]
    images: list[float]
    seconds: list[float]


@dataclass(frozen=True)
class Speed:
    """The speed of a job on one device: medians over its epochs there, of which one entry may stand for several."""

    device: str
    epochs: int
    seconds_per_epoch: float
    images_per_second: float


def clock(
    progress: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
    ran_s: float,
    halvings: Sequence[tuple[int, int]] = (),
    most: int = MOST_POINTS,
) -> Clock:
    """Return the clock of a job.

    Args:
        progress: how far the job is: `step` and `images`.
        epochs: what its epochs tell, first to last.
        ran_s: seconds since its start, which count while no epoch has ended.
        halvings: (step, images) from which its batch was half as large.
        most: points of the clock, at least two.
    """
    told = _by_epochs(epochs) if epochs else [(0.0, 0.0)]
    images, seconds = told[-1]
    now = float(progress["images"])
    if now > images:
        rate = float(epochs[-1]["images_per_second"]) if epochs else now / ran_s if ran_s > 0 else 0.0
        told.append((now, seconds + ((now - images) / rate if rate > 0 else 0.0)))
    places = _rising(told)
    known = _known(progress, epochs, halvings, places[0][0])
    bends = {float(images) for _, images in halvings if places[0][0] < images < places[-1][0]}
    every = thinned(sorted(bends | {images for images, _ in places}), most)
    return Clock(
        [round(_along(known, images), 2) for images in every],
        [round(images, 2) for images in every],
        [round(_along(places, images), 3) for images in every],
    )


def ends(progress: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the last step of each of these epochs."""
    known = _known(progress, epochs, (), 0.0)
    return [round(_along(known, epoch.get("images", 0))) for epoch in epochs]


def _known(
    progress: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
    halvings: Sequence[tuple[int, int]],
    first: float,
) -> Pairs:
    """Return the known pairs of images and steps, both rising, from the start of the run at `first` images."""
    told = [(epoch["images"], epoch["step"]) for epoch in epochs if "step" in epoch]
    told += [(images, step) for step, images in halvings if images > first]
    told.append((progress["images"], progress["step"]))
    rising = _rising([(0.0, 0.0), *((float(images), float(step)) for images, step in sorted(told))])
    # A job that starts from another job's checkpoint has no data about earlier steps. Its first epochs are extended
    # backwards at their own pace; a line to the origin would have another pace.
    return rising[1:] if first > 0 and len(rising) > 2 else rising


def _rising(pairs: Pairs) -> Pairs:
    """Return the pairs without those that do not rise."""
    rising = list(pairs[:1])
    for x, y in pairs[1:]:
        if x > rising[-1][0] and y >= rising[-1][1]:
            rising.append((x, y))
    return rising


def _along(pairs: Pairs, x: float) -> float:
    """Interpolate y at x linearly; beyond the ends, extrapolate from the two nearest points."""
    if len(pairs) < 2:
        return pairs[0][1]
    n = min(max(1, bisect_left(pairs, (x,))), len(pairs) - 1)
    (x0, y0), (x1, y1) = pairs[n - 1], pairs[n]
    return y0 + (x - x0) * (y1 - y0) / (x1 - x0)


def _by_epochs(epochs: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return images and seconds at the start and after each epoch."""
    first = epochs[0]
    own = first["seconds"] * first["images_per_second"]
    before = first["images"] - own
    # A job that starts from another job's checkpoint continues its images; its seconds start at zero.
    places = [(0.0 if before < SMALL * own else before, 0.0)]
    seconds = 0.0
    for epoch in epochs:
        seconds += epoch["seconds"]
        places.append((float(epoch["images"]), seconds))
    return places


def speeds(epochs: Sequence[Mapping[str, Any]]) -> list[Speed]:
    """Return the speed of a job on each device that it ran on, in the order of its attempts."""
    by_device: dict[str, list[Mapping[str, Any]]] = {}
    for epoch in epochs:
        by_device.setdefault(epoch["device"], []).append(epoch)
    return [
        Speed(
            device,
            sum(epoch.get("epochs", 1) for epoch in some),
            median(epoch["seconds"] / epoch.get("epochs", 1) for epoch in some),
            median(epoch["images_per_second"] for epoch in some),
        )
        for device, some in by_device.items()
    ]


def thinned(entries: list[Any], most: int = MOST_POINTS) -> list[Any]:
    """Return at most so many entries, evenly spaced, including the first and the last."""
    if len(entries) <= most:
        return entries
    return [entries[n * (len(entries) - 1) // (most - 1)] for n in range(most)]
