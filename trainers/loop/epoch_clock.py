"""Epochs and their seconds, over all attempts of a job."""

from __future__ import annotations

import time
from typing import NamedTuple


class Lap(NamedTuple):
    """What an epoch took."""

    seconds: float
    images: int


class EpochClock:
    """Counts seconds of training. Time between attempts does not count, nor does evaluation at the end of an epoch."""

    def __init__(self) -> None:
        self.epochs_done = 0
        self.seconds_per_epoch: list[float] = []
        self.began = 0.0, 0  # where the present epoch began: seconds of training, images seen
        self._attempt_began = time.monotonic()
        self._before = 0.0  # seconds of earlier attempts

    @property
    def seconds(self) -> float:
        """Seconds of training over all attempts."""
        return self._before + self.attempt_seconds

    @property
    def attempt_seconds(self) -> float:
        """Seconds since this attempt started to train, or since it last went back to a checkpoint."""
        return time.monotonic() - self._attempt_began

    def start(self) -> None:
        """Start this attempt: loading data and building networks is not training."""
        self._attempt_began = time.monotonic()

    def go_on_from(self, seconds: float) -> None:
        """Continue after going back to a checkpoint: the seconds that were lost count all the same."""
        self._before, self._attempt_began = seconds, time.monotonic()

    def leave_out(self, seconds: float) -> None:
        """Leave the last so many seconds out of the present epoch: they were spent on something else."""
        began, images = self.began
        self.began = began + seconds, images

    def lap(self, images_seen: int) -> Lap:
        """Return what the epoch that ends now took."""
        seconds, images = self.began
        return Lap(self.seconds - seconds, images_seen - images)

    def begin_epoch(self, epochs_done: int, images_seen: int, lap: Lap) -> None:
        """Note the epoch that ended, and begin the next one now."""
        self.began = self.seconds, images_seen
        self.epochs_done = epochs_done
        self.seconds_per_epoch.append(lap.seconds)

    def restore(
        self, epochs_done: int, seconds_per_epoch: list[float], seconds: float, began: tuple[float, int]
    ) -> None:
        """Continue from a checkpoint."""
        self.epochs_done, self.seconds_per_epoch, self._before = epochs_done, seconds_per_epoch, seconds
        self.began = began
