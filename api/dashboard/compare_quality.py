"""The evaluations of several jobs side by side: figures of one network, because those of others mean something else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.dashboard.pages import Visit
from api.dashboard.report_card import KINDS, Kind
from models.card_figures import VERDICTS
from models.states import JobKind

Job = Mapping[str, Any]
COPYING = VERDICTS["copying"]


@dataclass(frozen=True)
class Row:
    """One figure of all jobs.

    `best` are the places of the best values of images that are no copies: none where all are equal, or where more is no
    better.
    """

    kind: Kind
    values: Sequence[float | None]
    best: frozenset[int]


def quality(visit: Visit[Any], jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the evaluation of each job and their figures as rows.

    A training has its newest evaluation; None stands for a job without one. If several networks measured them, there
    are no rows, and `networks` names these.
    """
    trained = [job["id"] for job in jobs if job["kind"] == JobKind.train]
    newest = visit.service.stores.queries.evaluations.newest(trained, visit.who.reads)
    found = [job if job["kind"] == JobKind.evaluate else newest.get(job["id"]) for job in jobs]
    shown = [one if one is not None and one["result"] is not None else None for one in found]
    results = [None if one is None else one["result"] for one in shown]
    networks = {one["extractor"]["sha256"]: one["extractor"]["name"] for one in results if one is not None}
    pictures = visit.service.stores.queries.job_list.pictures([one["id"] for one in shown if one is not None])
    return {
        "evaluations": shown,
        "pictures": pictures,
        "networks": networks,
        "rows": _rows(results) if len(networks) == 1 else [],
    }


def _rows(results: Sequence[Mapping[str, Any] | None]) -> list[Row]:
    # Copies are as near to real images as can be, and as varied: they are no best ones.
    copied = frozenset(n for n, one in enumerate(results) if one is not None and COPYING in one["verdicts"])
    rows = [
        _row(kind, [None if one is None else one[group].get(kind.name) for one in results], copied)
        for group, kinds in KINDS.items()
        for kind in kinds
    ]
    return [row for row in rows if any(value is not None for value in row.values)]


def _row(kind: Kind, values: Sequence[float | None], copied: Collection[int]) -> Row:
    known = [value for n, value in enumerate(values) if value is not None and n not in copied]
    if not kind.ranks or len(set(known)) < 2:
        return Row(kind, values, frozenset())
    best = min(known) if kind.better == "low" else max(known)
    return Row(kind, values, frozenset(n for n, value in enumerate(values) if value == best and n not in copied))
