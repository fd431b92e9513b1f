"""How long a training is: its budget in epochs or images, counted out in steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trainers.methods import Place
from trainers.process.reporter import Progress

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from trainers.methods import Method


class Budget:
    """Steps (iterations) and epochs (passes over the data), the last one rounded up to a whole step."""

    def __init__(self, params: TrainParams, method: Method, feed: Any) -> None:
        self.params = params
        self.method = method
        self.feed = feed
        self.steps = 0
        self.epochs = 0
        self.images = 0
        self.plan(0)

    def plan(self, step: int) -> None:
        """Count out what is left from this step on: at the start, and when the batch has become smaller."""
        deck = self.feed.deck
        left = deck.batches_left(self.params.epochs, self.params.images)
        self.steps = step + self.method.iterations(step, left)
        self.images = deck.seen + left * deck.batch_size
        self.epochs = self.params.epochs or math.ceil(self.images / (deck.per_pass * deck.batch_size))

    @property
    def used(self) -> bool:
        """Tell whether nothing is left."""
        deck = self.feed.deck
        return bool(deck.batches_left(self.params.epochs, self.params.images) == 0)

    def place(self, step: int) -> Place:
        """Return where a training stands before this step."""
        seen = self.feed.deck.seen
        return Place(step, seen, min(1.0, seen / self.images))

    def progress(self, step: int) -> Progress:
        """Say how far a training is after ``step`` steps."""
        deck = self.feed.deck
        fraction = round(min(1.0, step / max(1, self.steps)), 6)
        return Progress(max(1, deck.epoch), self.epochs, step, self.steps, deck.seen, fraction)
