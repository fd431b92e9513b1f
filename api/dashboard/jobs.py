"""The list of jobs: search, filters and order in the address, live updates, a selection to compare, bulk actions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.dashboard.jobs_query import (
    ACTIONS,
    NEWEST_FIRST,
    PATH,
    TRASH,
    TRASH_ACTIONS,
    ListQuery,
    OrderQuery,
    address,
    bulk_filter,
    whole_trash,
)
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.dashboard.params import prose
from api.dashboard.search_fields import search_fields
from api.http.cursors import Pager, created, time_position
from api.http.filters import job_filter, job_order
from api.http.problems import FieldError, InvalidError
from api.schemas.bodies import MAX_BULK_JOBS
from api.schemas.queries import PageQuery
from api.v1.job_actions import order_many
from api.v1.jobs import list_jobs
from api.v1.views import list_views
from models.recipes import RECIPES
from models.states import TERMINAL, DeviceClass, JobKind, State
from models.views import SavedView, rfc3339
from stores.infra.errors import ConflictError
from stores.jobs.verbs import VERBS
from stores.queries.jobs_in_order import Measurer

pages = Pages()

# Counting stops here, which bounds its cost; bulk actions count exactly.
COUNTED = 1000
# Extractors that are offered where those of a list are several.
OFFERED = 12
# Bulk actions on more jobs than this are confirmed by typing their number.
FEW = 20
# Filters that the page shows in ways of their own.
UNCHIPPED = {"state", "trashed"}


@pages.add(PATH, list_jobs, list_views, query=ListQuery)
def jobs(visit: Visit[ListQuery]) -> TemplateResponse:
    """Show jobs, newest first or in another order."""
    visit, found, fault, refused = _found(visit)
    query = visit.query
    on, order = query.filters(), query.order()
    listed = [{**job, "verbs": verbs(job)} for job in found["data"]]
    by_state = _by_state(visit, found)
    context = {
        "jobs": listed,
        "pictures": visit.service.stores.queries.job_list.pictures([job["id"] for job in listed]),
        "count": _count(visit, found, by_state),
        "on": on,
        "query": query,
        "states": _states(query, on, by_state),
        "counted": COUNTED,
        "ended": TERMINAL,
        "chips": [(name, value, _without(on, order, name, value)) for name, value in on if name not in UNCHIPPED],
        "trash": address(TRASH),
        "whole_trash": whole_trash(),
        "days": visit.service.settings.trash_days,
        "refused": refused,
        "sortable": _sortable(visit, refused, on),
        "measured": query.sort.removeprefix("-") in {"fd_ratio", "kid"}
        or any(job["fd_ratio"] is not None for job in listed),
        "newest_first": address(on + query.shown()),
        "sorts": {name: _turned(query, on, name) for name in ("fd_ratio", "name", "created_at", "duration")},
        "fault": fault,
        "prose": prose,
        **_views(visit),
        "cells": {job["id"]: [_cell(job, name) for name in query.columns] for job in listed},
        "search_fields": search_fields(visit),
        "projects": visit.projects,
        "stars": address(
            [one for one in on if one[0] != "starred"] + query.order(), starred=None if query.starred else "true"
        ),
        "clear": address(query.shown()),
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
    changing = sum(count for _, count, changes in counts if changes)
    # A selection is what the reader ticked: the filters of the list say nothing more about it.
    on = [one for one in query.filters() if one[0] != "id"]
    context = {
        "action": query.action,
        "order": {"action": query.action, "filter": bulk_filter(query), "expected": total},
        "counts": counts,
        "total": total,
        "changing": changing,
        "typed": changing if changing > FEW else None,
        "selected": bool(query.id),
        "too_many": total > MAX_BULK_JOBS,
        "most": MAX_BULK_JOBS,
        "on": on,
        "back": address(on),
    }
    return TemplateResponse("jobs_bulk.html", context)


def _found(visit: Visit[ListQuery]) -> tuple[Visit[ListQuery], dict[str, Any], FieldError | None, str | None]:
    """Return the visit as it is answered, the jobs that match, what is wrong with a search, and an order refused."""
    try:
        return visit, visit.ask(list_jobs, visit.query.plain()), None, None
    except InvalidError as error:
        # A search that cannot be read: nothing is listed, so that nothing else can be taken for its result.
        fault = next((one for one in error.errors if one.pointer == "/query/q"), None)
        if fault is None:
            raise
        return visit, {"data": [], "next_cursor": None}, fault, None
    except ConflictError:
        # Figures of different extractors: the list is shown in its usual order, with the reason.
        usual = visit.query.model_copy(update={"sort": NEWEST_FIRST, "cursor": None})
        return replace(visit, query=usual), visit.ask(list_jobs, usual.plain()), None, visit.query.sort


def _views(visit: Visit[ListQuery]) -> dict[str, Any]:
    """Return the saved views, and what a view of the present list would hold."""
    query = visit.query
    shown = bulk_filter(query) | ({"trashed": True} if query.trashed else {})
    here = {"filter": shown, "sort": query.sort, "columns": query.columns}
    kept = visit.ask(list_views, PageQuery(limit=100))["data"]
    views = [
        {**one, "address": _address_of(one), "current": {name: one[name] for name in here} == here} for one in kept
    ]
    return {"views": views, "here_kept": here}


def _sortable(visit: Visit[ListQuery], refused: str | None, on: list[tuple[str, str]]) -> list[tuple[Measurer, str]]:
    """Return what can be sorted in the order that was refused: the jobs of each extractor, with their address."""
    order = None if refused is None else job_order(refused)
    if order is None:
        return []
    wanted = job_filter(visit.query.plain(), visit.who.reads)
    found = visit.service.stores.queries.jobs.measurers(wanted, order.name, OFFERED)
    others = [one for one in on if one[0] != "extractor"]
    return [(one, address([*others, ("extractor", one.sha256)], sort=refused)) for one in found]


def verbs(job: dict[str, Any]) -> tuple[str, ...]:
    """Return the actions that the state of a job allows now."""
    if job["state"] in TERMINAL:
        return ("delete",)
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


def _turned(query: ListQuery, on: list[tuple[str, str]], name: str) -> str:
    """Return the address of the list in this order, or in the opposite one if it stands in this already.

    The newest and the longest come first, names and figures from the smallest.
    """
    first, second = (f"-{name}", name) if name in {"created_at", "duration"} else (name, f"-{name}")
    sort = second if query.sort == first else first
    return address(on + query.shown(), sort=None if sort == NEWEST_FIRST else sort)


def _address_of(view: SavedView) -> str:
    """Return the address of the list that a view keeps."""
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else str(one))
        for name, value in view["filter"].items()
        if value is not None
        for one in (value if isinstance(value, list) else [value])
    ]
    pairs += [("columns", name) for name in view["columns"]]
    return address(pairs, sort=None if view["sort"] == NEWEST_FIRST else view["sort"])


def _cell(job: dict[str, Any], name: str) -> Any:
    """Return what a further column shows of a job."""
    group, _, part = name.partition(".")
    return job[{"params": "params", "last": "last_metrics"}[group]].get(part) if part else job[name]


def _without(on: list[tuple[str, str]], order: list[tuple[str, str]], name: str, value: str) -> str:
    return address([one for one in on if one != (name, value)] + order)


def _by_state(visit: Visit[ListQuery], found: dict[str, Any]) -> dict[str, int]:
    """Return how many jobs match the other filters, by state; empty where a search would make counting slow."""
    query = visit.query
    if query.q is not None:
        return {}
    if _holds_all(query, found) and not query.state:
        # Where few jobs match, looking for more of them would read all there are.
        return {state: sum(job["state"] == state for job in found["data"]) for state in State}
    wanted = job_filter(query.plain(state=[]), visit.who.reads)
    return visit.service.stores.queries.job_list.by_state(wanted, COUNTED + 1)


def _holds_all(query: ListQuery, found: dict[str, Any]) -> bool:
    """Return whether a page of the list holds all jobs that match."""
    return query.cursor is None and found["next_cursor"] is None


def _states(
    query: ListQuery, on: list[tuple[str, str]], counts: dict[str, int]
) -> list[tuple[str, bool, str, int | None]]:
    """Return each state, whether it is an active filter, the address that toggles it, and how many jobs are in it."""
    chosen = set(query.state)
    others = [one for one in on if one[0] != "state"] + query.order()
    return [
        (
            state,
            state in chosen,
            address([("state", one) for one in State if one in chosen ^ {state}] + others),
            counts.get(state),
        )
        for state in State
    ]


def _count(visit: Visit[ListQuery], found: dict[str, Any], by_state: dict[str, int]) -> dict[str, Any]:
    """Return how many jobs match, and whether there are more than the count."""
    if _holds_all(visit.query, found):
        return {"n": len(found["data"]), "more": False}
    if by_state:
        count = sum(by_state[state] for state in visit.query.state or State)
    else:
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
