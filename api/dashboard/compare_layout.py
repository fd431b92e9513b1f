"""What a comparison shows unless something else is chosen: columns, groups, and the axes of the scatter plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.dashboard.compare_columns import MOST_COLUMNS, RESULTS, SETTINGS, Columns, Value, fits, is_number, usual
from api.dashboard.compare_groups import groups
from api.dashboard.compare_query import CompareQuery
from api.dashboard.compare_scatter import scatter

# Results for the scatter plot, the most telling first.
TELLING = ("fd_ratio", "evaluation.fd_ratio", "last.fd_ratio", "last.g_loss", "last.loss", "last.d_loss")

Known = Mapping[str, Sequence[str]]


def layout(columns: Columns, query: CompareQuery, *, few: bool) -> dict[str, Any]:
    """Return the parts of the page that one can choose, and what there is to choose from."""
    known = columns.known()
    shown = (query.columns or usual(columns, known))[:MOST_COLUMNS]
    by = query.group or ("none" if few else "seeds")
    x, y = query.x.removeprefix("-") or _usual_x(columns, known), query.y or _usual_y(known)
    found = groups(columns, by)
    return {
        "cells": [columns.of(name) for name in shown],
        "order": _order(columns, query.sort),
        "mixed": not columns.one_network,
        "choices": _choices(known, shown),
        "by": by,
        "groups": found,
        "drawn_groups": [{"n": group.n, "name": group.name, "jobs": group.jobs} for group in found],
        # The line style of each job; evaluations and samples are in no group.
        "styles": {n: n for n in range(len(columns.subjects))}
        if by == "none"
        else {n: group.n for group in found for n in group.jobs},
        "groups_by": _choice([name for name in _differing(columns, known) if fits("group", name)], by),
        "x": x,
        "y": y,
        "xs": _choice(_differing(columns, known), x),
        "ys": _choice(_results(known), y),
        "scatter": scatter(columns, x, y) if x and y else None,
    }


def _choices(known: Known, shown: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns to choose from, with those that are shown although no job has them any more."""
    every = {kind: list(names) for kind, names in known.items()}
    listed = {name for names in every.values() for name in names}
    every["field"] += [name for name in shown if name not in listed]
    return every


def _choice(names: Sequence[str], chosen: str) -> list[str]:
    """Return what can be chosen, with what is."""
    more = [chosen] if chosen and chosen not in names and chosen not in ("none", "seeds") else []
    return [*names, *more]


def _differing(columns: Columns, known: Known) -> list[str]:
    """Return what can be grouped by or be the horizontal axis: settings in which these jobs differ."""
    settings = [*SETTINGS, *known.get("label", ()), *known.get("params", ())]
    return [name for name in settings if columns.of(name).differ]


def _results(known: Known) -> list[str]:
    fields = [name for name in RESULTS if name in known["field"]]
    return [*fields, *known.get("evaluation", ()), *known.get("last", ())]


def _usual_x(columns: Columns, known: Known) -> str:
    """Return the setting to draw results over: the number of which there are most values, or else any that differs."""
    names = _differing(columns, known)
    numbers = [name for name in names if name.startswith("params.") and columns.of(name).numbers]
    if numbers:
        return max(numbers, key=lambda name: len(set(columns.of(name).values)))
    params = [name for name in names if name.startswith("params.")]
    return next(iter([*params, *names]), "")


def _usual_y(known: Known) -> str:
    names = _results(known)
    return next((name for name in (*TELLING, *names) if name in names), "")


def _order(columns: Columns, sort: str) -> list[int]:
    """Return the places of the jobs in the order of the table: those without a value last."""
    places = list(range(len(columns.subjects)))
    if not sort:
        return places
    name = sort.removeprefix("-")
    values = columns.of(name).values
    held = sorted((n for n in places if values[n] is not None), key=lambda n: _rank(values[n]), reverse=name != sort)
    return held + [n for n in places if values[n] is None]


def _rank(value: Value) -> tuple[bool, float, str]:
    return (False, float(value or 0), "") if is_number(value) else (True, 0.0, str(value))
