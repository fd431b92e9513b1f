"""Filters of jobs: those of a list, and those of a bulk action."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, get_args

from stores.jobs.filter import JobFilter
from stores.queries.jobs_by_figure import Figure, FigureOrder


class Filters(Protocol):
    """The fields that both have."""

    @property
    def state(self) -> Sequence[str]: ...
    @property
    def kind(self) -> Sequence[str]: ...
    @property
    def recipe(self) -> Sequence[str]: ...
    @property
    def queue(self) -> Sequence[str]: ...
    @property
    def label(self) -> Sequence[str]: ...
    @property
    def parent(self) -> Sequence[str]: ...
    @property
    def dataset(self) -> Sequence[str]: ...
    @property
    def extractor(self) -> Sequence[str]: ...
    @property
    def trashed(self) -> bool | None: ...
    @property
    def created_after(self) -> datetime | None: ...
    @property
    def created_before(self) -> datetime | None: ...


def figure_order(sort: str) -> FigureOrder | None:
    """Return the order of a list by a figure; None: by the time of creation."""
    name = sort.removeprefix("-")
    figure = next((figure for figure in get_args(Figure) if figure == name), None)
    return None if figure is None else FigureOrder(figure, falling=sort != name)


def job_filter(asked: Filters, owner: str | None) -> JobFilter:
    """Return the stores' filter, over an owner's jobs or, with None, over the jobs of all owners."""
    labels: dict[str, list[str]] = {}
    for label in asked.label:
        key, value = re.split("[:=]", label, maxsplit=1)
        labels.setdefault(key, []).append(value)
    return JobFilter(
        owner=owner,
        states=asked.state,
        kinds=asked.kind,
        recipes=asked.recipe,
        queues=asked.queue,
        labels=labels,
        parents=asked.parent,
        datasets=asked.dataset,
        extractors=asked.extractor,
        created_after=asked.created_after,
        created_before=asked.created_before,
        trashed=bool(asked.trashed),
    )
