"""Which jobs a list, a count or a bulk command is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, any_, literal, not_, or_
from sqlalchemy.dialects.postgresql import ARRAY

from models.rows import Job


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list. Within a field any value fits, across fields all must; `owner` None means everybody's."""

    owner: str | None = None
    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    recipes: Sequence[str] = ()
    queues: Sequence[str] = ()
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)  # each key is a field of its own
    parents: Sequence[str] = ()
    datasets: Sequence[str] = ()  # names as they were asked for, or ids
    extractors: Sequence[str] = ()
    projects: Sequence[str] = ()
    owners: Sequence[str] = ()  # narrows `owner`, never widens it
    ids: Sequence[str] = ()
    starred: bool | None = None
    conditions: Sequence[ColumnElement[bool]] = ()  # of a search (stores/jobs/query), all of which must be met
    created_after: datetime | None = None
    created_before: datetime | None = None
    trashed: bool | None = False  # None: those in the trash and the others; never those that are deleted for good

    def apply(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """Narrow a query on jobs."""
        if self.trashed is False:
            query = query.where(Job.trashed_at.is_(None))
        else:
            query = query.where(Job.purged_at.is_(None))
            if self.trashed:
                query = query.where(Job.trashed_at.is_not(None))
        for column, values in (
            (Job.state, self.states),
            (Job.kind, self.kinds),
            (Job.recipe, self.recipes),
            (Job.queue, self.queues),
            (Job.parent, self.parents),
            (Job.extractor, self.extractors),
            (Job.project, self.projects),
            (Job.owner, self.owners),
            (Job.id, self.ids),
        ):
            if values:
                query = query.where(column.in_(list(values)))
        if self.datasets:
            query = query.where(or_(Job.dataset.in_(list(self.datasets)), Job.dataset_id.in_(list(self.datasets))))
        if self.owner is not None:
            query = query.where(Job.owner == self.owner)
        for key, choices in self.labels.items():
            # One array, so that the statement is the same for any number of values and is planned and kept once.
            query = query.where(Job.labels[key].astext == any_(literal(list(choices), ARRAY(Text))))
        if self.created_after is not None:
            query = query.where(Job.created_at > self.created_after)
        if self.created_before is not None:
            query = query.where(Job.created_at < self.created_before)
        return query.where(*self._found())

    def _found(self) -> list[ColumnElement[bool]]:
        """Return what a search asks, and whether there is a star."""
        # As the index has it: the planner takes `starred IS true` for another condition.
        star: ColumnElement[bool] = Job.starred.expression
        stars = [] if self.starred is None else [star if self.starred else not_(star)]
        return [*stars, *self.conditions]
