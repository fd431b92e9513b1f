"""Filters of jobs: those of a list, and those of a bulk action."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from api.http.problems import InvalidError, field
from stores.jobs.filter import JobFilter
from stores.jobs.query.conditions import conditions
from stores.jobs.query.grammar import QueryError
from stores.queries.jobs_in_order import ORDERS, JobOrder


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
    def q(self) -> str | None: ...
    @property
    def project(self) -> Sequence[str]: ...
    @property
    def owner(self) -> Sequence[str]: ...
    @property
    def id(self) -> Sequence[str]: ...
    @property
    def starred(self) -> bool | None: ...
    @property
    def created_after(self) -> datetime | None: ...
    @property
    def created_before(self) -> datetime | None: ...


def job_order(sort: str) -> JobOrder | None:
    """Return the order of a list by something else than the time of creation; None: by that."""
    name = sort.removeprefix("-")
    return JobOrder(name, falling=sort != name) if name in ORDERS else None


def job_filter(asked: Filters, owner: str | None, where: str = "/query") -> JobFilter:
    """Return the stores' filter, over an owner's jobs or, with None, over the jobs of all owners.

    Raises:
        InvalidError: the search cannot be read; it names the field below the JSON pointer `where`, and the place in it.
    """
    try:
        found = () if asked.q is None else conditions(asked.q)
    except QueryError as error:
        raise InvalidError([field(f"{where}/q", error.message, position=error.at)]) from error
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
        projects=asked.project,
        owners=asked.owner,
        ids=asked.id,
        starred=asked.starred,
        conditions=found,
        created_after=asked.created_after,
        created_before=asked.created_before,
        trashed=bool(asked.trashed),
    )
