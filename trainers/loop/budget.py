"""How long a training is: its budget in epochs or images, converted to steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.wire import Progress
from trainers.methods import Iteration

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from trainers.methods import Method


class Budget:
    """The steps (iterations), epochs and images of a whole job; the last batch is rounded up to a whole step."""

    def __init__(self, params: TrainParams, method: Method) -> None:
        self.params = params
        self.method = method
        self.steps = 0
        self.epochs = 0
        self.images = 0
        self.plan(0)

    def plan(self, step: int) -> None:
        """Count what is left from this step on: at the start, and after the batch has become smaller."""
        sampler = self.method.feed.sampler
        # Batches first: how many of them a step takes is the method's business, and may change from step to step.
        left = sampler.batches_left(self.params.epochs, self.params.images)
        self.steps = step + self.method.iterations(step, left)
        self.images = sampler.seen + sampler.images_in(left)
        self.epochs = self.params.epochs or math.ceil(self.images / sampler.images_per_pass)

    @property
    def epoch(self) -> int:
        """The epoch that the last step belonged to, from 1; 0 before the first step.

        A step draws several batches where the discriminator learns more often. The last one may then reach beyond the
        budget, by more than an epoch of a small data set; it belongs to the last epoch all the same.
        """
        return min(self.epochs, self.method.feed.sampler.epoch)

    @property
    def epochs_done(self) -> int:
        """The whole epochs behind the last step."""
        return min(self.epochs, self.method.feed.sampler.passes)

    @property
    def used(self) -> bool:
        """Whether nothing is left."""
        sampler = self.method.feed.sampler
        return sampler.batches_left(self.params.epochs, self.params.images) == 0

    def iteration(self, step: int) -> Iteration:
        """Describe the iteration that begins after ``step`` steps."""
        # Images, not steps, measure the used share: schedules then do not depend on a batch that was halved.
        seen = self.method.feed.sampler.seen
        return Iteration(step, seen, min(1.0, seen / self.images))

    def progress(self, step: int) -> Progress:
        """Describe how far a training is after ``step`` steps."""
        sampler = self.method.feed.sampler
        fraction = round(min(1.0, step / max(1, self.steps)), 6)
        return Progress(max(1, self.epoch), self.epochs, step, self.steps, sampler.seen, fraction)
