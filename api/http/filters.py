"""Filters of jobs: those of a list, and those of a bulk action."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stores.jobs.filter import JobFilter


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
    def created_after(self) -> datetime | None: ...
    @property
    def created_before(self) -> datetime | None: ...


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
        created_after=asked.created_after,
        created_before=asked.created_before,
    )
