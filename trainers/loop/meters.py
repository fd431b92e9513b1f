"""Metrics of every step: kept on the device, read back in batches, averaged per epoch, thinned for the plot."""

from __future__ import annotations

import torch


class Ring:
    """Rows of metrics on the device. Reading them back is the only moment at which the device is waited for."""

    capacity = 1024

    def __init__(self, columns: int, device: torch.device) -> None:
        self._rows = torch.zeros(self.capacity, columns, device=device)
        self.count = 0

    @property
    def full(self) -> bool:
        """Tell whether the rows have to be taken before the next step."""
        return self.count == self.capacity

    def add(self, row: torch.Tensor) -> None:
        """Keep one step's metrics, (columns,)."""
        self._rows[self.count].copy_(row)
        self.count += 1

    def take(self) -> list[list[float]]:
        """Return and forget all rows."""
        rows: list[list[float]] = self._rows[: self.count].tolist()
        self.count = 0
        return rows


class Means:
    """Means over the epoch in hand. Rows are added one by one, so the sums do not depend on how they were batched."""

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


class History:
    """The whole course of a training in at most ``limit`` points, for the loss plot of a job with many attempts.

    Each point is the mean over ``stride`` steps, (images, metrics...). When full, neighbours merge, the stride doubles.
    """

    limit = 2000

    def __init__(self, columns: int) -> None:
        self.points: list[list[float]] = []
        self.stride = 1
        self._bucket = Means(1 + columns)

    def add(self, images: int, row: list[float]) -> None:
        """Account for one step."""
        self._bucket.add([float(images), *row])
        if self._bucket.count < self.stride:
            return
        self.points.append(self._bucket.take())
        if len(self.points) == self.limit:
            pairs = zip(self.points[::2], self.points[1::2])
            self.points = [[(a + b) / 2 for a, b in zip(*pair)] for pair in pairs]
            self.stride *= 2

    def tensor(self) -> torch.Tensor:
        """Return the points as float64, (points, 1 + columns), for the checkpoint."""
        return torch.tensor(self.points, dtype=torch.float64).reshape(len(self.points), len(self._bucket.sums))

    def state(self) -> dict[str, object]:
        """Return what `tensor` leaves out."""
        return {"stride": self.stride, "sums": self._bucket.sums, "count": self._bucket.count}

    def restore(self, points: torch.Tensor, state: dict[str, object]) -> None:
        """Continue from a checkpoint."""
        self.points = points.tolist()
        self.stride = int(str(state["stride"]))
        self._bucket.sums = list(state["sums"])  # type: ignore[call-overload]
        self._bucket.count = int(str(state["count"]))
