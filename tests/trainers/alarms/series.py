"""The series of metrics that alarms saw in a run, as a small file, and what they raise when they see it again."""

from __future__ import annotations

import json
import lzma
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from trainers.loop.alarms import Alarms, Watched
from trainers.loop.look_watches import Seen
from trainers.methods import DiscriminatorOutput
from trainers.process.reporter import ListReporter

RUNS = Path(__file__).parent / "runs"
_DIGITS = 3  # as many as a threshold can depend on


@dataclass
class Series:
    """A run: what each step measured, a column for each metric, and the figures of its looks by step.

    ``images`` is the number of images in a step. NaN and infinity are null. ``verdicts``, named so in the files, is the
    value of what the discriminator puts out.
    """

    verdicts: str
    images: int
    label_smoothing: float
    columns: dict[str, list[float | None]]
    looks: dict[int, list[float | None]] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(next(iter(self.columns.values())))

    def write(self, path: Path) -> None:
        """Write a compressed file."""
        columns = {name: [_rounded(value) for value in column] for name, column in self.columns.items()}
        looks = {step: [_rounded(value) for value in figures] for step, figures in self.looks.items()}
        text = json.dumps({**asdict(self), "columns": columns, "looks": looks}, separators=(",", ":"))
        path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))

    @classmethod
    def read(cls, path: Path) -> Series:
        """Read what `write` has written."""
        found = json.loads(lzma.decompress(path.read_bytes()))
        looks = {int(step): figures for step, figures in found.pop("looks").items()}
        return cls(**found, looks=looks)

    @property
    def watched(self) -> Watched:
        """What alarms know of the run."""
        return Watched(tuple(self.columns), DiscriminatorOutput(self.verdicts), self.label_smoothing)


def replay(series: Series, alarms: Alarms | None = None, begin: int = 0, end: int | None = None) -> dict[str, int]:
    """Show steps ``begin`` to ``end`` to alarms as a training does; return the images at the first alarm of each code.

    A value that is no number ends a training: it counts as the alarm `not_a_number`.
    """
    reporter = ListReporter()
    alarms = alarms or Alarms(reporter, series.watched)
    alarms.reporter = reporter
    stopped: dict[str, int] = {}
    for step in range(begin + 1, (series.steps if end is None else end) + 1):
        row = {name: column[step - 1] for name, column in series.columns.items()}
        if any(value is None for value in row.values()):
            stopped["not_a_number"] = step * series.images
            break
        alarms.step(step, step * series.images, {name: value for name, value in row.items() if value is not None})
        if step in series.looks:
            figures = dict(zip(Seen._fields, series.looks[step], strict=True))
            overfitting = figures.pop("overfitting")
            known = {name: value or 0.0 for name, value in figures.items()}
            alarms.look(step, step * series.images, Seen(**known, overfitting=overfitting))
    told = {str(alert["code"]): int(str(alert["step"])) * series.images for alert in reversed(reporter.of("alert"))}
    return {**told, **stopped}


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.{_DIGITS}g}")
