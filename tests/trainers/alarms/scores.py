"""What alarms are worth on labelled runs: precision, recall, delay in images, and false alarms per million images."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import NamedTuple

from tests.trainers.alarms.labels import HALFWAY, LABELS, MAY
from tests.trainers.alarms.series import RUNS, Series, replay


class Run(NamedTuple):
    """A recorded run, and the images at which each alarm was first raised."""

    name: str
    images: int
    raised: dict[str, int]

    @property
    def recipe(self) -> str:
        """The recipe that it trained."""
        return self.name.split("-")[0]

    @property
    def fault(self) -> str:
        """What is wrong with it; `healthy`: nothing."""
        return self.name.split("-")[1]

    @property
    def wanted(self) -> frozenset[str]:
        """The codes of which one has to be raised."""
        return LABELS[self.name]

    @property
    def right(self) -> set[str]:
        """The codes that were rightly raised."""
        return self.raised.keys() & self.wanted

    @property
    def wrong(self) -> set[str]:
        """The codes that were wrongly raised."""
        return self.raised.keys() - self.wanted - MAY.get(self.fault, frozenset())

    @property
    def delay(self) -> int:
        """How many images after the fault began it was rightly named."""
        began = self.images // 2 if self.fault in HALFWAY else 0
        return min(self.raised[code] for code in self.right) - began


class Fault(NamedTuple):
    """How a fault is noticed. Delays are images after it began."""

    runs: int
    noticed: int
    median_delay: int
    longest_delay: int


class Code(NamedTuple):
    """How often an alarm was rightly and wrongly raised."""

    right: int
    wrong: int

    @property
    def precision(self) -> float:
        """The share of alarms that were right."""
        return self.right / (self.right + self.wrong)


class Scores(NamedTuple):
    """Of some runs: by fault, by code, and of all together."""

    faults: dict[str, Fault]
    codes: dict[str, Code]
    healthy: int  # runs
    healthy_images: int
    false_alarms: int  # in healthy runs

    @property
    def precision(self) -> float:
        """The share of all alarms that were right."""
        right = sum(code.right for code in self.codes.values())
        return right / max(1, right + sum(code.wrong for code in self.codes.values()))

    @property
    def recall(self) -> float:
        """The share of faulty runs that were named for what they are."""
        return sum(fault.noticed for fault in self.faults.values()) / sum(fault.runs for fault in self.faults.values())

    @property
    def per_million(self) -> float:
        """False alarms in a million images of healthy runs."""
        return self.false_alarms / self.healthy_images * 1e6


def recorded() -> list[Run]:
    """Show all recorded runs to the alarms."""
    runs = []
    for name in LABELS:
        path = RUNS / f"{name}.xz"
        if path.exists():
            series = Series.read(path)
            runs.append(Run(name, series.steps * series.images, replay(series)))
    return runs


def scores(runs: Iterable[Run]) -> Scores:
    """Count what was right and what was wrong."""
    runs = list(runs)
    healthy = [run for run in runs if not run.wanted]
    return Scores(
        {
            fault: _fault([run for run in runs if run.fault == fault])
            for fault in sorted({run.fault for run in runs if run.wanted})
        },
        {code: _code(code, runs) for code in sorted({code for run in runs for code in run.right | run.wrong})},
        len(healthy),
        sum(run.images for run in healthy),
        sum(len(run.raised) for run in healthy),
    )


def _fault(runs: list[Run]) -> Fault:
    delays = [run.delay for run in runs if run.right]
    return Fault(len(runs), len(delays), round(statistics.median(delays or [0])), max(delays, default=0))


def _code(code: str, runs: list[Run]) -> Code:
    return Code(sum(code in run.right for run in runs), sum(code in run.wrong for run in runs))


def table(found: Scores) -> str:
    """Return the scores as Markdown."""
    rows = ["| fault | runs | named rightly | delay in images: median | longest |", "|---|---|---|---|---|"]
    rows += [
        f"| `{name}` | {of.runs} | {of.noticed} | {of.median_delay:,} | {of.longest_delay:,} |"
        for name, of in found.faults.items()
    ]
    rows += ["", "| alert | right | wrong | precision |", "|---|---|---|---|"]
    rows += [f"| `{name}` | {of.right} | {of.wrong} | {of.precision:.2f} |" for name, of in found.codes.items()]
    told = (
        f"{found.false_alarms} false alarms in {found.healthy} healthy runs of {found.healthy_images:,} images together"
    )
    overall = f"precision {found.precision:.2f}, recall {found.recall:.2f}, {told}: {found.per_million:.1f} per million"
    return "\n".join([*rows, "", overall])
