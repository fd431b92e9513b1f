"""Windows over the last images, and running medians: what alarms remember of a training, in a few numbers."""

from __future__ import annotations

from typing import List, Mapping, Union, cast

# A condition holds for a window in which it held in this share of the steps; it has passed where it held in the other.
MOST, FEW = 0.8, 0.2

State = Mapping[str, object]


class Window:
    """Fires when a condition held in 80 % of a window of images; not again before it held in under 20 % of one.

    A streak would be ended by one exception, so that a training which goes wrong most of the time would be silent.
    """

    def __init__(self, images: int, least: int) -> None:
        self.images = images
        self.least = least  # observations: with large batches few steps make a window, and few steps say little
        self.raised = False
        self._held: list[bool] = []

    def look(self, *, holds: bool, images: int) -> bool:
        """Account for one observation, made ``images`` after the one before; return whether to raise the alarm."""
        length = max(self.least, round(self.images / max(1, images)))
        self._held = [*self._held[-length + 1 :], holds] if length > 1 else [holds]
        if len(self._held) < length:
            return False
        share = sum(self._held) / length
        if share <= FEW:
            self.raised = False
        if self.raised or share < MOST:
            return False
        self.raised = True
        return True

    @property
    def calm(self) -> bool:
        """Whether the condition neither holds nor has begun to."""
        return not self.raised and sum(self._held) <= FEW * max(self.least, len(self._held))

    def state(self) -> dict[str, object]:
        """Return what it remembers, for the checkpoint."""
        return {"held": "".join("01"[held] for held in self._held), "raised": self.raised}

    def restore(self, state: object) -> None:
        """Continue from a checkpoint. Those of earlier versions have [held, failed, raised]."""
        if isinstance(state, dict):
            self._held = [letter == "1" for letter in str(state["held"])]
            self.raised = bool(state["raised"])
        elif state is not None:
            self.raised = bool(cast(List[Union[int, bool]], state)[2])


class RunningMedian:
    """A running median of positive numbers, in one number (Ma, Muthukrishnan and Sandler 2013, frugal streaming).

    It moves by ``pace`` of itself towards each number, so that a single outlier cannot move it far. The first numbers
    count more: it begins at the first one and is near the median after a few.
    """

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self.value = 0.0
        self.count = 0

    def add(self, number: float) -> None:
        """Account for one number."""
        if number <= 0:
            return
        self.count += 1
        if self.count == 1:
            self.value = number
        pace = max(self.pace, 1 / self.count)
        self.value *= 1 + pace if number > self.value else 1 / (1 + pace)

    def state(self) -> list[float]:
        """Return value and count, for the checkpoint."""
        return [self.value, float(self.count)]

    def restore(self, state: object) -> None:
        """Continue from a checkpoint."""
        if state is not None:
            value, count = cast(List[float], state)
            self.value, self.count = value, int(count)


class Average:
    """An exponential moving average over images, and the mean deviation from it. The first numbers count more."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.value = 0.0
        self.deviation = 0.0
        self.seen = 0

    def add(self, number: float, images: int) -> None:
        """Account for one number that stands for so many images."""
        self.seen += images
        share = min(1.0, max(images / self.images, images / self.seen))
        self.deviation += share * (abs(number - self.value) - self.deviation) if self.seen > images else 0.0
        self.value += share * (number - self.value)

    def state(self) -> list[float]:
        """Return average, deviation and images, for the checkpoint."""
        return [self.value, self.deviation, float(self.seen)]

    def restore(self, state: object) -> None:
        """Continue from a checkpoint."""
        if state is not None:
            self.value, self.deviation, seen = cast(List[float], state)
            self.seen = int(seen)
