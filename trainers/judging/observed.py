"""Generated images as verdicts see them, and why a verdict stands."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from models.messages import Message
from trainers.judging.copying import Repeats
from trainers.judging.likeness import Likeness
from trainers.judging.reference import Looks, Realism

LOW_FIDELITY, MODES_LOST, COPYING = "low_fidelity", "modes_lost", "copying"
# Shares that chance alone exceeds so seldom count.
CHANCE = 1e-4
# Of a set with this share of images that repeat no other, all count.
_MOSTLY = 0.9


class Reason(NamedTuple):
    """Why a verdict stands: the message, a figure of the set, what it is for real images, and the limit."""

    verdict: str
    message: Message
    value: float
    real: float
    limit: float

    def as_json(self) -> dict[str, object]:
        """Return it for the report."""
        figures = {"value": round(self.value, 4), "real": round(self.real, 4), "limit": round(self.limit, 4)}
        return {"verdict": self.verdict, **self.message.as_json(), **figures}


class Observed(NamedTuple):
    """Generated images (n, C, H, W) as verdicts see them."""

    pixels: Tensor
    realism: Realism
    looks: Looks
    likeness: Likeness
    repeats: Repeats
    probabilities: Tensor | None

    def only(self, rows: Tensor) -> Observed:
        """Return some of the images."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        repeats = Repeats(self.repeats.others[rows], self.repeats.first[rows])
        return Observed(
            self.pixels[rows],
            self.realism.only(rows),
            self.looks.only(rows),
            self.likeness.only(rows),
            repeats,
            probabilities,
        )

    @property
    def different(self) -> float:
        """How many different images there are: one that is there five times counts as a fifth each time."""
        return float((1 / (1 + self.repeats.others.double())).sum())

    @property
    def once(self) -> Observed:
        """The images without repeats; all of them where few repeat others."""
        first = self.repeats.first
        return self if float(first.double().mean()) > _MOSTLY else self.only(first.nonzero()[:, 0])


def percent(share: float) -> float | int:
    """Return a share as a percentage for a sentence."""
    value = 100 * share
    return round(value) if value >= 10 or value < 0.05 else round(value, 1)
