"""The quality of generated images while a training goes on: when it is measured, and what that costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypedDict

from models.messages import Logs
from trainers.loop.cadence import Every
from trainers.process.errors import out_of_memory

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from trainers.process.reporter import Reporter

# By default measurements take at most this share of the seconds that training takes without them.
SHARE = 0.02
# What a judge measures.
FIGURES = ("fd_ratio", "coverage", "kl")
# So many of the last measurements say what the next one will take.
_RECENT = 3


class QualityState(TypedDict):
    """What a checkpoint holds of the measurements."""

    extractor: str  # the sha256 of what judged the images last; empty: nothing yet
    seconds: float  # that measurements took, over all attempts
    count: int  # measurements, over all attempts
    recent: list[float]  # seconds of the last few
    epoch: dict[str, float]  # the last figures of the epoch in hand


class Judge(Protocol):
    """Measures the network that will be kept. Asking it never changes the training (trainers/judging)."""

    sha256: str  # of the extractor's weights: figures are comparable only where it is the same
    setup_seconds: float  # that loading it and looking at real images took
    expected_seconds: float  # that a measurement will take, by what looking at real images took

    def figures(self) -> dict[str, float]:
        """Return `fd_ratio`, `coverage` and, where classes are known, `kl` of the present weights."""


class Moment(NamedTuple):
    """A point of a training at which its quality may be due."""

    step: int
    epoch: int | None  # the one that ended with this step, or None
    now: float  # seconds of a clock that never goes back
    trained: float  # seconds of training over all attempts, measurements included
    fraction: float  # share of the steps that are done, 0 to 1
    last: bool  # whether the budget is used up


class Quality:
    """Asks the judge when it is time. Without a judge nothing is measured."""

    def __init__(self, params: TrainParams, judge: Judge | None, reporter: Reporter) -> None:
        # Jobs from before the parameter, and recipes without it, do not have it.
        chosen = vars(params).get("quality_every")
        self._every = Every(chosen, time.monotonic()) if chosen else None
        self._judge = judge
        self._reporter = reporter
        self.seconds = 0.0
        self.count = 0
        self._extractor = "" if judge is None else judge.sha256
        self._recent: list[float] = []
        self._of_epoch: dict[str, float] = {}
        # What this attempt has measured, by step: steps that are repeated after an accident are not measured again.
        self._known: dict[int, dict[str, float]] = {}

    @property
    def extractor(self) -> str:
        """The sha256 of what judges the images, or judged them last; empty: nothing has."""
        return self._extractor

    def due(self, moment: Moment, *, repeating: bool) -> bool:
        """Return whether to measure at this point; while steps are repeated: whether they were measured then."""
        if repeating:
            return moment.step in self._known
        if self._judge is None:
            return False
        # The last weights are always among those compared: `best` would else be worse than `latest` by chance.
        if self._every is not None:
            return self._every.due(moment.step, moment.epoch, moment.now) or moment.last
        if moment.last:
            return True
        if moment.epoch is None:
            return False
        # The share holds at any time. One measurement is kept in reserve for the end of the budget, so that the last
        # weights are always among those compared.
        allowed = SHARE * (moment.trained - self.seconds)
        one = self._expected(self._judge)
        return self.seconds + one <= allowed and self.seconds + 2 * one <= allowed / moment.fraction

    def measure(self, step: int, *, repeating: bool) -> dict[str, float]:
        """Return the figures after this step; none if there is no memory for them."""
        if not repeating:
            began = time.monotonic()
            self._known[step] = self._figures()
            self._account(time.monotonic() - began)
        self._of_epoch = self._known[step]
        return self._of_epoch

    def end_epoch(self) -> dict[str, float]:
        """Return the last figures of the epoch that ends, if there are any."""
        found, self._of_epoch = self._of_epoch, {}
        return found

    def report(self) -> dict[str, object]:
        """Return what the final report tells: the extractor, how often it was asked, and what that took."""
        if self._judge is None:
            return {}
        return {
            "extractor": self._judge.sha256,
            "quality_measurements": self.count,
            "quality_seconds": round(self.seconds, 3),
            "quality_setup_seconds": round(self._judge.setup_seconds, 3),
        }

    def state(self) -> QualityState:
        """Return the counters for the checkpoint."""
        return {
            "extractor": self._extractor,
            "seconds": self.seconds,
            "count": self.count,
            "recent": list(self._recent),
            "epoch": dict(self._of_epoch),
        }

    def restore(self, state: QualityState) -> bool:
        """Continue from a checkpoint; return whether its figures can be compared with those of this attempt.

        What this attempt has measured since the checkpoint has been paid for all the same.
        """
        self._of_epoch = dict(state["epoch"])
        if state["count"] > self.count:
            self.seconds, self.count, self._recent = state["seconds"], state["count"], list(state["recent"])
        before = state["extractor"]
        if self._judge is None:
            self._extractor = before
        return before in ("", self._extractor)

    def _expected(self, judge: Judge) -> float:
        return sum(self._recent) / len(self._recent) if self._recent else judge.expected_seconds

    def _account(self, seconds: float) -> None:
        self.seconds += seconds
        self.count += 1
        self._recent = [*self._recent, seconds][-_RECENT:]

    def _figures(self) -> dict[str, float]:
        if self._judge is None:
            return {}
        try:
            return self._judge.figures()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            words = " ".join(str(error).split())[:200]
        # The training itself has what it needs: it goes on without being measured.
        self._judge = None
        self._reporter.log("warning", Logs.no_judge(error=words))
        return {}
