"""Metrics of every step: kept on the device, read in batches, averaged over each epoch, thinned for the loss plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from trainers.loop.checkpoints import HistoryState


class Ring:
    """Rows of metrics on the device, [capacity, columns]. The loop waits for the device only when it reads them."""

    capacity = 1024

    def __init__(self, columns: int, device: torch.device) -> None:
        self._rows = torch.zeros(self.capacity, columns, device=device)
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether the rows have to be taken before the next step."""
        return self.count == self.capacity

    def add(self, row: torch.Tensor) -> None:
        """Keep one step's metrics, [columns], by a copy that is queued on the device like any other kernel."""
        self._rows[self.count].copy_(row)
        self.count += 1

    def take(self) -> list[list[float]]:
        """Return and forget all rows, as numbers on the host."""
        # One transfer for all rows. It waits until the device has finished every step so far.
        rows: list[list[float]] = self._rows[: self.count].tolist()
        self.count = 0
        return rows


class Means:
    """Means over the present epoch.

    Rows are added one by one, so that the sums do not depend on when the rows were read.
    """

    def __init__(self, columns: int) -> None:
        self.sums = [0.0] * columns
        self.count = 0

    def add(self, row: list[float]) -> None:
        """Account for one step."""
        self.sums = [total + value for total, value in zip(self.sums, row)]
        self.count += 1

    def take(self) -> list[float]:
        """Return the means and begin the next epoch."""
        means = [total / max(1, self.count) for total in self.sums]
        self.sums, self.count = [0.0] * len(means), 0
        return means

    def restore(self, sums: list[float], count: int) -> None:
        """Continue from a checkpoint."""
        self.sums, self.count = sums, count


class History:
    """The curves of a whole job in at most ``limit`` points, for its loss plot, whatever its length and attempts.

    Each point is the mean over ``stride`` steps, [images, metrics...]. When the list is full, neighbours are merged and
    the stride doubles.
    """

    limit = 2000

    def __init__(self, columns: int) -> None:
        self.points: list[list[float]] = []
        self.stride = 1
        self._bucket = Means(1 + columns)

    def add(self, images: int, row: list[float]) -> None:
        """Account for one step."""
        self._bucket.add([float(images), *row])
        # A point is complete when the bucket holds ``stride`` steps.
        if self._bucket.count < self.stride:
            return
        self.points.append(self._bucket.take())
        if len(self.points) == self.limit:
            # The mean of two means over as many steps is the mean over both.
            pairs = zip(self.points[::2], self.points[1::2])
            self.points = [[(a + b) / 2 for a, b in zip(*pair)] for pair in pairs]
            self.stride *= 2

    def tensor(self) -> torch.Tensor:
        """Return the points as float64, [points, 1 + columns], for the checkpoint."""
        return torch.tensor(self.points, dtype=torch.float64).reshape(len(self.points), len(self._bucket.sums))

    def state(self) -> HistoryState:
        """Return what `tensor` leaves out."""
        return {"stride": self.stride, "sums": self._bucket.sums, "count": self._bucket.count}

    def restore(self, points: torch.Tensor, state: HistoryState) -> None:
        """Continue from a checkpoint."""
        self.points = points.tolist()
        self.stride = state["stride"]
        self._bucket.restore(list(state["sums"]), state["count"])
