"""The columns of a comparison: what can be said of a job in one cell, and can group curves or be an axis of the plot.

A column is named as in an address: a field (`recipe`), `params.width`, `last.d_loss` (the mean over the last finished
epoch), `evaluation.coverage` (a figure of the newest evaluation) or `label:team`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from api.dashboard.report_card import KINDS

Value = str | float | bool | None

# Fields by which jobs can be grouped, fields that are results, and others.
SETTINGS = ("kind", "recipe", "preset", "dataset", "seed", "project", "queue", "device", "state")
RESULTS = ("fd_ratio", "kid", "images_per_second", "duration", "images", "epoch", "step")
FIELDS = (*SETTINGS, *RESULTS, "created_at", "finished_at")
EVALUATED = {kind.name: (group, kind) for group, kinds in KINDS.items() for kind in kinds}
# Figures that depend on the network that measures: those of different networks are not comparable.
MEASURED = {"fd_ratio", "kid", "last.fd_ratio", "last.coverage", "last.kl"}
# Metrics that are shown first, and the columns that are shown unless others are chosen.
METRICS = ("d_loss", "g_loss", "fd_ratio", "coverage", "kl", "d_real", "d_fake", "accuracy", "loss")
MOST_COLUMNS = 24
MOST_PARAMS = 6
MOST_LAST = 2

_PARAM = r"params\.[A-Za-z0-9_]{1,64}(?:\.[A-Za-z0-9_]{1,64}){0,4}"
_LABEL = r"label:[^:=]{1,128}"
_RESULT = rf"last\.[a-z0-9_]{{1,64}}|evaluation\.(?:{'|'.join(EVALUATED)})"
_COLUMN = re.compile(rf"{'|'.join(FIELDS)}|{_PARAM}|{_LABEL}|{_RESULT}")
_GROUP = re.compile(rf"none|seeds|{'|'.join(SETTINGS)}|{_PARAM}|{_LABEL}")
_OUTCOME = re.compile(rf"{'|'.join(RESULTS)}|{_RESULT}")
Use = Literal["column", "group", "result"]
_GRAMMARS = {"column": _COLUMN, "group": _GROUP, "result": _OUTCOME}


def fits(use: Use, name: str) -> bool:
    """Return whether this names a column, something to group by, or a result."""
    return _GRAMMARS[use].fullmatch(name) is not None


@dataclass(frozen=True)
class Subject:
    """A job of a comparison, with what is known of it beside its row.

    Attributes:
        job: as the API shows it, with its `title`.
        params: its parameters, flat.
        last: the means of its metrics over its last finished epoch, beside that epoch's own figures.
        evaluation: the result of its newest evaluation, or its own; None without one.
        images_per_second: the median on the device where it was last.
        seconds: how long it ran.
    """

    job: Mapping[str, Any]
    params: Mapping[str, Any]
    last: Mapping[str, Any]
    evaluation: Mapping[str, Any] | None
    images_per_second: float | None
    seconds: float | None

    def value(self, column: str) -> Value:
        """Return what stands in a column; None where the job has nothing of it."""
        first, _, rest = column.partition(".")
        if column.startswith("label:"):
            return _plain(self.job["labels"].get(column.removeprefix("label:")))
        if rest and first == "params":
            return _plain(self.params.get(rest))
        if rest and first == "last":
            return _plain(self.last.get(rest))
        if rest:
            return None if self.evaluation is None else _plain(self.evaluation[EVALUATED[rest][0]].get(rest))
        if column == "images_per_second":
            return self.images_per_second
        if column == "duration":
            return self.seconds
        if column in ("images", "epoch", "step"):
            return _plain(self.job["progress"][column])
        return _plain(self.job[column])


@dataclass(frozen=True)
class Cells:
    """The values of all jobs in one column, and whether they are figures that cannot be compared."""

    name: str
    values: Sequence[Value]

    @property
    def kind(self) -> Literal["params", "last", "evaluation", "label", "field"]:
        """What the column is of."""
        first = re.match(r"(params|last|evaluation)\.|(label):", self.name)
        return (first[1] or first[2]) if first else "field"  # type: ignore[return-value]

    @property
    def bare(self) -> str:
        """The name without what it is of: width."""
        return re.sub(r"^(params\.|last\.|evaluation\.|label:)", "", self.name)

    @property
    def numbers(self) -> bool:
        """Whether all its values are numbers."""
        known = [value for value in self.values if value is not None]
        return bool(known) and all(is_number(value) for value in known)

    @property
    def differ(self) -> bool:
        """Whether not all of its values are equal."""
        return len(set(self.values)) > 1


class Columns:
    """All columns of some jobs."""

    def __init__(self, subjects: Sequence[Subject], networks: Mapping[str, str]) -> None:
        """Take the jobs, and the networks (name by sha256) that their evaluations come from."""
        self.subjects = subjects
        live = {one.job["extractor"] for one in subjects if one.job["fd_ratio"] is not None}
        self.one_network = len(live | set(networks)) < 2

    def of(self, name: str) -> Cells:
        """Return a column; an empty one where its figures cannot be compared."""
        measured = name in MEASURED or name.startswith("evaluation.")
        if measured and not self.one_network:
            return Cells(name, [None] * len(self.subjects))
        return Cells(name, [one.value(name) for one in self.subjects])

    def known(self) -> dict[str, list[str]]:
        """Return the columns in which any of these jobs has a value, by what they are of."""
        labels = _names(one.job["labels"] for one in self.subjects)
        last = in_order(name for name in _names(one.last for one in self.subjects) if name not in EPOCH)
        found = {
            "field": list(FIELDS),
            "label": [f"label:{name}" for name in sorted(labels)],
            "params": [f"params.{name}" for name in sorted(_names(one.params for one in self.subjects))],
            "last": [f"last.{name}" for name in last],
            "evaluation": [f"evaluation.{name}" for name in EVALUATED],
        }
        held = {kind: [name for name in names if self._has(name)] for kind, names in found.items()}
        return {kind: names for kind, names in held.items() if names}

    def _has(self, name: str) -> bool:
        return fits("column", name) and any(value is not None for value in self.of(name).values)


def usual(columns: Columns, known: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns that are shown unless others are chosen: what differs, and what came of it."""
    settings = [name for name in ("kind", "recipe", "dataset", "seed", "queue") if columns.of(name).differ]
    params = [name for name in known.get("params", ()) if columns.of(name).differ]
    results = [name for name in ("fd_ratio", "images", "duration") if name in known["field"]]
    return [*settings, *params[:MOST_PARAMS], *results, *known.get("last", ())[:MOST_LAST]]


def is_number(value: object) -> bool:
    """Return whether this is a number; a switch is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def in_order(metrics: Iterable[str]) -> list[str]:
    """Return the different ones among these metrics, the most important first."""
    found = set(metrics)
    return [name for name in METRICS if name in found] + sorted(found - set(METRICS))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested parameters: grid_every.steps."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def as_text(value: Any) -> str:
    """Return a parameter as text, as a request has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(as_text, value)) if isinstance(value, list) else str(value)


# Fields of an epoch event that are not metrics.
EPOCH = {"epoch", "epochs", "step", "images", "seconds", "images_per_second", "device"}


def _names(every: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in every for name in values))


def _plain(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float) else as_text(value)
