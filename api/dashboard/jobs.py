"""The list of jobs: filters and order in the address, live updates, selection for comparison, and bulk actions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, field_validator

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.http.cursors import Pager, created, time_position
from api.http.filters import figure_order, job_filter
from api.schemas.bodies import MAX_BULK_JOBS
from api.schemas.queries import JobsQuery
from api.v1.job_actions import order_many
from api.v1.jobs import list_jobs
from models.recipes import RECIPES
from models.states import TERMINAL, DeviceClass, JobKind, State
from models.views import rfc3339
from stores.infra.errors import ConflictError
from stores.jobs.verbs import VERBS
from stores.queries.jobs_by_figure import Measurer

pages = Pages()

PATH = "/dashboard/jobs"
# Counting stops here, which bounds its cost; bulk actions count exactly.
COUNTED = 1000
# Extractors that are offered where those of a list are several.
OFFERED = 12
# Bulk actions on more jobs than this are confirmed by typing their number.
FEW = 20
MANY = ("state", "kind", "recipe", "queue", "label", "parent", "dataset", "extractor")
MOMENTS = ("created_after", "created_before")
NEWEST_FIRST = "-created_at"
ACTIONS = ("pause", "resume", "cancel", "retry", "reprioritize", "delete")
# Filters that the page shows in ways of their own.
UNCHIPPED = {"state", "trashed"}
# Of jobs in the trash.
TRASH_ACTIONS = ("restore", "purge")


class ListQuery(JobsQuery):
    """The filters as a form sends them: with empty fields, and with times from its inputs, in UTC."""

    @field_validator(*MANY, mode="before")
    @classmethod
    def _given(cls, values: Any) -> Any:
        return list(dict.fromkeys(value for value in values if value)) if isinstance(values, list) else values

    @field_validator("sort", mode="before")
    @classmethod
    def _order(cls, value: Any) -> Any:
        return value or NEWEST_FIRST

    @field_validator("trashed", mode="before")
    @classmethod
    def _switch(cls, value: Any) -> Any:
        return value or "false"

    @field_validator(*MOMENTS, "cursor", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if found := re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?)?", value):
            return f"{found[1]}T{found[2] or '00:00'}{found[3] or ':00'}Z"
        return value or None

    def plain(self, **changes: Any) -> JobsQuery:
        """Return the query as the API takes it; cursors are bound to that form."""
        return JobsQuery.model_validate({**self.model_dump(include=set(JobsQuery.model_fields)), **changes})

    def filters(self) -> list[tuple[str, str]]:
        """Return the active filters as pairs of an address."""
        on = [(name, str(value)) for name in MANY for value in getattr(self, name)]
        on += [("trashed", "true")] if self.trashed else []
        return on + [(name, str(rfc3339(value))) for name in MOMENTS if (value := getattr(self, name)) is not None]

    def order(self) -> list[tuple[str, str]]:
        """Return the order as a pair of an address; nothing for the usual one."""
        return [] if self.sort == NEWEST_FIRST else [("sort", self.sort)]


class OrderQuery(ListQuery):
    """A bulk action on all jobs that match a filter."""

    action: str = Field("cancel", pattern=f"^({'|'.join(ACTIONS + TRASH_ACTIONS)})$")


def address(filters: list[tuple[str, str]], path: str = PATH, **more: Any) -> str:
    """Return the address of the list with these filters."""
    given = [*filters, *((name, value) for name, value in more.items() if value is not None)]
    return f"{path}?{urlencode(given)}" if given else path


@pages.add(PATH, list_jobs, query=ListQuery)
def jobs(visit: Visit[ListQuery]) -> TemplateResponse:
    """Show jobs, newest first, or in the order of a figure."""
    query, refused = visit.query, None
    try:
        found = visit.ask(list_jobs, query.plain())
    except ConflictError:
        # Figures of different extractors: the list is shown in its usual order, with the reason.
        query, refused = query.model_copy(update={"sort": NEWEST_FIRST, "cursor": None}), query.sort
        found = visit.ask(list_jobs, query.plain())
        visit = replace(visit, query=query)
    on, order = query.filters(), query.order()
    listed = [{**job, "took": _took(job), "verbs": verbs(job)} for job in found["data"]]
    context = {
        "jobs": listed,
        "pictures": visit.service.stores.queries.job_list.pictures([job["id"] for job in listed]),
        "count": _count(visit, found),
        "on": on,
        "query": query,
        "states": _states(query, on),
        "chips": [(name, value, _without(on, order, name, value)) for name, value in on if name not in UNCHIPPED],
        "trash": address([("trashed", "true")]),
        "days": visit.service.settings.trash_days,
        "refused": refused,
        "sortable": _sortable(visit, refused, on),
        "measured": bool(order) or any(job["fd_ratio"] is not None for job in listed),
        "newest_first": address(on),
        "sorts": {sort: address(on, sort=sort) for sort in ("fd_ratio", "-fd_ratio")},
        "clear": PATH,
        "recipes": sorted(RECIPES),
        "kinds": tuple(JobKind),
        "queues": [str(queue) for queue in DeviceClass],
        "orders": {action: address(on, f"{PATH}/bulk", action=action) for action in ACTIONS + TRASH_ACTIONS},
        **_ways(visit, found, on),
    }
    return TemplateResponse("jobs.html", context)


@pages.add(f"{PATH}/bulk", order_many, query=OrderQuery)
def jobs_bulk(visit: Visit[OrderQuery]) -> TemplateResponse:
    """Show how many jobs a bulk action would affect and how, before it is confirmed."""
    query = visit.query.model_copy(update={"trashed": visit.query.action in TRASH_ACTIONS})
    states = visit.service.stores.queries.job_list.states(job_filter(query.plain(), visit.who.reads))
    counts = [(state, states[state], _changes(query.action, state)) for state in State if state in states]
    total = sum(states.values())
    filters: dict[str, Any] = {name: list(map(str, getattr(query, name))) for name in MANY if getattr(query, name)}
    filters |= {name: rfc3339(value) for name in MOMENTS if (value := getattr(query, name)) is not None}
    context = {
        "action": query.action,
        "order": {"action": query.action, "filter": filters, "expected": total},
        "counts": counts,
        "total": total,
        "changing": sum(count for _, count, changes in counts if changes),
        "typed": total > FEW,
        "too_many": total > MAX_BULK_JOBS,
        "most": MAX_BULK_JOBS,
        "on": query.filters(),
        "back": address(query.filters()),
    }
    return TemplateResponse("jobs_bulk.html", context)


def _sortable(visit: Visit[ListQuery], refused: str | None, on: list[tuple[str, str]]) -> list[tuple[Measurer, str]]:
    """Return what can be sorted in the order that was refused: the jobs of each extractor, with their address."""
    order = None if refused is None else figure_order(refused)
    if order is None:
        return []
    wanted = job_filter(visit.query.plain(), visit.who.reads)
    found = visit.service.stores.queries.jobs.measurers(wanted, order.figure, OFFERED)
    others = [one for one in on if one[0] != "extractor"]
    return [(one, address([*others, ("extractor", one.sha256)], sort=refused)) for one in found]


def verbs(job: dict[str, Any]) -> tuple[str, ...]:
    """Return the actions that the state of a job allows now."""
    pending = job["pending_action"]
    if pending is not None:
        return ("resume", "cancel") if pending == "pause" else ()
    return tuple(verb for verb in ("pause", "resume", "cancel") if verb in VERBS[State(job["state"])])


def _changes(action: str, state: State) -> bool:
    if action in TRASH_ACTIONS:
        return True
    if action == "delete":
        return state in TERMINAL
    return state not in TERMINAL if action == "reprioritize" else action in VERBS[state]


def _took(job: dict[str, Any]) -> float | None:
    if job["started_at"] is None or job["finished_at"] is None:
        return None
    return (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])).total_seconds()


def _without(on: list[tuple[str, str]], order: list[tuple[str, str]], name: str, value: str) -> str:
    return address([one for one in on if one != (name, value)] + order)


def _states(query: ListQuery, on: list[tuple[str, str]]) -> list[tuple[str, bool, str]]:
    """Return each state, whether it is an active filter, and the address that toggles it."""
    chosen = set(query.state)
    others = [one for one in on if one[0] != "state"] + query.order()
    return [
        (state, state in chosen, address([("state", one) for one in State if one in chosen ^ {state}] + others))
        for state in State
    ]


def _count(visit: Visit[ListQuery], found: dict[str, Any]) -> dict[str, Any]:
    """Return how many jobs match, and whether there are more than the count."""
    if visit.query.cursor is None and found["next_cursor"] is None:
        return {"n": len(found["data"]), "more": False}
    wanted = job_filter(visit.query.plain(), visit.who.reads)
    count = visit.service.stores.queries.job_list.at_most(wanted, COUNTED + 1)
    return {"n": min(count, COUNTED), "more": count > COUNTED}


def _ways(visit: Visit[ListQuery], found: dict[str, Any], on: list[tuple[str, str]]) -> dict[str, str | None]:
    """Return the addresses of older and newer jobs. A cursor only leads forward, so going back needs the one before."""
    query = visit.query
    limit = None if query.limit == ListQuery.model_fields["limit"].default else query.limit
    on = on + query.order()
    first = address(on, limit=limit)
    older = address(on, limit=limit, cursor=found["next_cursor"]) if found["next_cursor"] else None
    newer = None
    if query.cursor is not None:
        newer = first
        plain = query.plain()
        pager = Pager(visit.service.stores.accounts.cursor_key, plain, visit.who, "jobs")
        # Back from a page in the order of a figure leads to the best.
        if found["data"] and query.sort == NEWEST_FIRST:
            place = time_position(created(found["data"][0]))
            wanted = job_filter(plain, visit.who.reads)
            before = visit.service.stores.queries.job_list.newer(wanted, place, query.limit + 1)
            if before is not None:
                newer = address(on, limit=limit, cursor=pager.at([rfc3339(before["created_at"]), before["id"]]))
    return {"first": first, "older": older, "newer": newer}
