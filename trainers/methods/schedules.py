"""What changes over a training, as functions of the share of the budget that is used, 0 to 1, or of the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from models.specs.base import AdversarialParams


def cosine(start: float, end: float, fraction: float) -> float:
    """Half a cosine from ``start`` at 0 to ``end`` at 1 (Loshchilov and Hutter 2017, eq. 5, without restarts)."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, fraction))) / 2


def linear_decay(begin: float, fraction: float) -> float:
    """1 up to ``begin``, then a line to 0 at the end (Zhu et al. 2017, section 4: begin = .5)."""
    return 1.0 if fraction <= begin else max(0.0, (1 - fraction) / (1 - begin))


def one_cycle(low: float, high: float, end: float, fraction: float) -> float:
    """Smith 2018: a line from ``low`` to ``high`` and back, then, for the share ``end``, on towards nothing.

    With ``high`` below ``low`` it serves for the momentum, which mirrors the rate; then the last stretch stays level.
    """
    half = (1 - end) / 2
    if fraction < half:
        return low + (high - low) * fraction / half
    if fraction < 2 * half:
        return high + (low - high) * (fraction - half) / half
    # A hundredth of the lowest rate remains at the very end, so that no step does nothing.
    return low * (1 - 0.99 * (fraction - 2 * half) / end) if high > low and end else low


class CriticSteps(NamedTuple):
    """Discriminator steps of each iteration: ``usual``, or ``boost`` for the ``first`` ones and at every ``every``-th.

    Arjovsky et al. 2017's own code trains its critic to the end before it trusts it, and again from time to time.
    """

    usual: int
    boost: int
    first: int
    every: int

    @classmethod
    def of(cls, params: AdversarialParams) -> CriticSteps:
        """Read the parameters; recipes without a boost have the same number always."""
        boost = getattr(params, "boost_steps", None)
        if boost is None:
            return cls(params.d_steps, params.d_steps, 0, 1)
        return cls(params.d_steps, boost, params.boost_first, params.boost_every)  # type: ignore[attr-defined]

    @property
    def most(self) -> int:
        """The highest number of steps."""
        return max(self.usual, self.boost)

    def at(self, step: int) -> int:
        """Steps of iteration ``step``, counted from 0."""
        return self.boost if step < self.first or step % self.every == 0 else self.usual

    def iterations(self, step: int, batches: int) -> int:
        """Iterations, from ``step`` on, that draw at least so many batches."""
        if self.boost == self.usual:
            return math.ceil(batches / self.usual)
        done = 0
        # The rhythm is regular behind the first ones, from one boosted iteration to the next.
        period = self.boost + (self.every - 1) * self.usual
        while batches > 0:
            whole = batches // period
            if whole and step >= self.first and step % self.every == 0:
                done, step, batches = done + whole * self.every, step + whole * self.every, batches - whole * period
            else:
                done, batches, step = done + 1, batches - self.at(step), step + 1
        return done
