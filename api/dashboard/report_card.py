"""The report card of an evaluation: its figures in three groups, each on a scale beside those of real images.

A scale is drawn by the template in percent of its width: a band for what real images have, and a mark for the images
that were judged. The words stand in templates/dashboard/card_words.html.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from models import card_figures
from models.card_figures import Answer, Range

Result = Mapping[str, Any]

# Classes shown of a histogram, those first whose share is farthest from the real one.
MOST_CLASSES = 20
# Digits of the ends of a range: more would say that it is exact.
DIGITS = 2
# Shares below this have a digit after the point of their percentage.
SMALL = 0.1
# The part of a scale that is left free at both ends, so that marks are not cut off.
MARGIN = 0.04


@dataclass(frozen=True)
class Kind:
    """How a figure is shown.

    `ranks`: whether a better value is better beyond that of real images too, so that several can be put in order.
    """

    name: str
    scale: Range  # what it shows at least
    unit: Literal["", "share", "percent"] = ""
    logarithmic: bool = False
    ranks: bool = True

    @property
    def better(self) -> Literal["low", "high"]:
        """Which side of the real images' range is better, or as good."""
        return card_figures.BETTER[self.name]


KINDS: Mapping[card_figures.Group, Sequence[Kind]] = {
    "fidelity": (
        Kind("fd_ratio", (0.5, 20.0), logarithmic=True),
        Kind("kid", (0.0, 0.01)),
        Kind("precision", (0.0, 1.0), "share"),
        Kind("density", (0.0, 1.2), ranks=False),
    ),
    "diversity": (
        Kind("coverage", (0.0, 1.0), "share"),
        Kind("recall", (0.0, 1.0), "share"),
        Kind("kl", (0.0, 0.5)),
    ),
    "copying": (
        Kind("auth_pct", (0.0, 100.0), "percent", ranks=False),
        Kind("c_t", (-10.0, 3.0), ranks=False),
        Kind("duplicates", (0.0, 0.1), "share", ranks=False),
    ),
}


@dataclass(frozen=True)
class Figure:
    """One figure. `real` is the range that new real images have; None where it is not known."""

    kind: Kind
    value: float
    real: Range | None

    @property
    def fits(self) -> bool | None:
        """Whether it is as good as that of real images; None where that is not known."""
        return card_figures.fits(self.kind.name, self.value, self.real)

    @property
    def ends(self) -> Range:
        """The values at the ends of its scale."""
        shown = [*self.kind.scale, self.value, *(self.real or ())]
        # A ratio far below 1 is no better than one a little below: it stands at the beginning of the scale.
        return self.kind.scale[0] if self.kind.logarithmic else min(shown), max(shown)

    @property
    def told(self) -> Range | None:
        """The range of real images as it is told: with few digits, and percentages that are whole unless small."""
        if self.real is None:
            return None
        places = {"share": 2 if self.real[1] >= SMALL else 3, "percent": 0}.get(self.kind.unit)
        low, high = (round(end, places) if places is not None else float(f"{end:.{DIGITS}g}") for end in self.real)
        return low, high

    def at(self, value: float) -> float:
        """Return where a value stands on the scale, in percent of its width."""
        low, high = self.ends
        if self.kind.logarithmic:
            low, high, value = (math.log(max(one, 1e-9)) for one in (low, high, value))
        share = (min(max(value, low), high) - low) / (high - low)
        return round(100 * (MARGIN + (1 - 2 * MARGIN) * share), 2)

    @property
    def band(self) -> Range | None:
        """Where the band of real images begins, and how wide it is, in percent; at least wide enough to see."""
        if self.real is None:
            return None
        first, last = (self.at(one) for one in self.real)
        width = max(last - first, 1.5)
        return round(first - (width - (last - first)) / 2, 2), round(width, 2)


@dataclass(frozen=True)
class Group:
    """Figures that answer one question, and what they say of it."""

    name: card_figures.Group
    figures: Sequence[Figure]
    answer: Answer


def card(result: Result, report: Result) -> list[Group]:
    """Return the figures of a result by group, beside those of real images, which the report has; {}: it is gone."""
    return [_group(name, result, report) for name in KINDS]


def _group(name: card_figures.Group, result: Result, report: Result) -> Group:
    figures = [
        Figure(kind, float(result[name][kind.name]), real_range(kind.name, report))
        for kind in KINDS[name]
        if result[name].get(kind.name) is not None
    ]
    return Group(name, figures, card_figures.answer(name, result, [figure.fits for figure in figures]))


def real_range(name: str, report: Result) -> Range | None:
    """Return the range that a figure has for new real images, as the report has it; None where it does not."""
    measured = report.get("real_ranges", {}).get(name)
    return None if measured is None else (float(measured[0]), float(measured[1]))


@dataclass(frozen=True)
class Class:
    """A class with its share of the judged images and of real ones, 0 to 1."""

    name: str
    share: float
    real: float
    missing: bool


@dataclass(frozen=True)
class Histogram:
    """Shares of classes; `left_out` more classes are like the real ones. `most` is the largest share."""

    classes: Sequence[Class]
    left_out: int
    most: float


def histogram(result: Result, report: Result, dataset: Mapping[str, Any] | None) -> Histogram | None:
    """Return the classes beside the real ones; None where they are not known."""
    shares, real = result["diversity"]["class_histogram"], _real_shares(report, dataset)
    if not shares or not real or len(shares) != len(real):
        return None
    named = report.get("classes") or (dataset or {}).get("classes")
    names = list(named or map(str, range(len(shares))))
    missing = set(result["diversity"]["classes_missing"] or ())
    every = [
        Class(name, share / (sum(shares) or 1), part / (sum(real) or 1), name in missing)
        for name, share, part in zip(names, shares, real, strict=False)
    ]
    shown = every
    if len(every) > MOST_CLASSES:
        worst = sorted(every, key=lambda one: -abs(one.share - one.real))[:MOST_CLASSES]
        shown = [one for one in every if one in worst]
    most = max(max(one.share, one.real) for one in shown)
    return Histogram(shown, len(every) - len(shown), most or 1.0)


@dataclass(frozen=True)
class Pair:
    """A judged image and the training image nearest to it. `close`: few real images are at so small a distance."""

    distance: float
    close: bool


def pairs(report: Result) -> list[Pair]:
    """Return the closest pairs in the order of their sheet; nothing where the report does not say what is on it."""
    limit, shown = report.get("closest_limit"), report.get("pairs_shown")
    if limit is None or not shown:
        return []
    return [Pair(float(distance), distance < limit) for _, _, distance in report["closest"][:shown]]


def _real_shares(report: Result, dataset: Mapping[str, Any] | None) -> Sequence[float] | None:
    """Return the shares of real images by class: as the evaluation saw them, or as the data set counts them."""
    measured = report.get("class_histogram_reference")
    return measured or (dataset or {}).get("class_counts")
