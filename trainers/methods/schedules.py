"""Schedules: values that change over a training, as functions of the used share of the budget (0 to 1) or the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from models.specs.base import NoiseParams
    from models.specs.wgan import WganParams


def cosine(start: float, end: float, fraction: float) -> float:
    """Return half a cosine from ``start`` at 0 to ``end`` at 1 (Loshchilov and Hutter 2017, eq. 5, no restarts)."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, fraction))) / 2


def linear_decay(begin: float, fraction: float) -> float:
    """Return 1 up to ``begin``, then a line to 0 at the end (Zhu et al. 2017, section 4: begin = .5)."""
    return 1.0 if fraction <= begin else max(0.0, (1 - fraction) / (1 - begin))


def one_cycle(low: float, high: float, end: float, fraction: float) -> float:
    """Return Smith 2018's cycle: a line from ``low`` to ``high``, back, then, for the share ``end``, on towards zero.

    With ``high`` below ``low`` it gives the momentum, which mirrors the rate; its last phase stays level.
    """
    half = (1 - end) / 2
    if fraction < half:  # up
        return low + (high - low) * fraction / half
    if fraction < 2 * half:  # down
        return high + (low - high) * (fraction - half) / half
    # The last phase ends at a hundredth of the lowest rate: with zero the last steps would do nothing.
    return low * (1 - 0.99 * (fraction - 2 * half) / end) if high > low and end else low


class CriticSteps(NamedTuple):
    """Discriminator steps of each iteration: ``usual``, or ``boost`` in the ``first`` ones and in every ``every``-th.

    The code of Arjovsky et al. 2017 trains its critic close to the optimum before it uses its gradients, and again from
    time to time.
    """

    usual: int
    boost: int
    first: int
    every: int

    @classmethod
    def constant(cls, steps: int) -> CriticSteps:
        """Return the same number of steps for every iteration."""
        return cls(steps, steps, 0, 1)

    @classmethod
    def of(cls, params: WganParams) -> CriticSteps:
        """Return the steps that WGAN's parameters ask for."""
        if params.boost_steps is None:
            return cls.constant(params.d_steps)
        return cls(params.d_steps, params.boost_steps, params.boost_first, params.boost_every)

    @property
    def most(self) -> int:
        """The highest number of steps."""
        return max(self.usual, self.boost)

    def at(self, step: int) -> int:
        """Return the steps of iteration ``step``, counted from 0."""
        return self.boost if step < self.first or step % self.every == 0 else self.usual

    def iterations(self, step: int, batches: int) -> int:
        """Return how many iterations, from ``step`` on, draw at least this many batches."""
        if self.boost == self.usual:
            return math.ceil(batches / self.usual)
        done = 0
        # After the first iterations the pattern repeats: one boosted iteration, then ``every`` - 1 usual ones.
        period = self.boost + (self.every - 1) * self.usual
        while batches > 0:
            whole = batches // period
            # Whole periods are counted at once: a budget may hold billions of batches.
            if whole and step >= self.first and step % self.every == 0:
                done, step, batches = done + whole * self.every, step + whole * self.every, batches - whole * period
            else:
                done, batches, step = done + 1, batches - self.at(step), step + 1
        return done


class PlayerSchedule(NamedTuple):
    """What differs between adversarial recipes in the course of a training."""

    d_steps: CriticSteps  # discriminator steps of each iteration
    beta2_end: float | None = None  # Adam's beta2 moves to this along a cosine; None: it stays
    ema_start: int | None = None  # the average's half-life, in images, begins here and moves likewise; None: it stays
    decay_from: float | None = None  # the rate falls along a line from this share of the budget on; None: a cosine
    fresh_reals: bool = False  # whether the generator's step has real images of its own


def constant(params: NoiseParams) -> PlayerSchedule:
    """Return `d_steps` discriminator steps in every iteration and a constant beta2, as most recipes have it."""
    return PlayerSchedule(CriticSteps.constant(params.d_steps))
