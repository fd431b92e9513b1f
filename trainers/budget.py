"""How long a training is: its budget in epochs or images, counted out in steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trainers.reporter import Progress

if TYPE_CHECKING:
    from models.specs.base import AdversarialParams
    from trainers.feed import Feed
    from trainers.method import Method


class Budget:
    """Steps (generator iterations) and epochs (passes over the data), the last one rounded up to a whole step."""

    def __init__(self, params: AdversarialParams, method: Method, feed: Feed) -> None:
        if params.epochs is not None:
            batches = params.epochs * feed.per_pass
        else:
            batches = math.ceil((params.images or 0) / feed.batch_size)
        self.steps = method.iterations(batches)
        self.epochs = math.ceil(batches / feed.per_pass)

    def progress(self, step: int, feed: Feed) -> Progress:
        """Say how far a training is after ``step`` steps."""
        epoch = max(1, math.ceil(feed.drawn / feed.per_pass))
        return Progress(epoch, self.epochs, step, self.steps, feed.seen, round(min(1.0, step / self.steps), 6))
