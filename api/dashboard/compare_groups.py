"""Groups of a comparison: trainings that are alike in something, whose curves are shown as one mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.dashboard.compare_columns import Columns, Subject, Value, as_text, flat
from api.dashboard.formats import NONE
from models.states import JobKind

# What makes two runs the same experiment, beside their parameters: with another seed it was done again.
SETUP = ("kind", "recipe", "dataset", "source")
# Settings whose value says by itself what it is.
ITSELF = ("kind", "recipe", "preset", "dataset", "project", "queue", "device", "state")
# Names of a group say at most so many things.
MOST_SAID = 4


@dataclass(frozen=True)
class Group:
    """Trainings whose curves are one line.

    Attributes:
        n: its colour and line style.
        name: what its jobs have in common that other groups have not.
        jobs: their places among all jobs.
        seeds: the different seeds behind its mean.
        differ: in what else its jobs differ, seeds apart: then the spread is not of seeds alone.
    """

    n: int
    name: str
    jobs: tuple[int, ...]
    seeds: tuple[int, ...]
    differ: tuple[str, ...]


def groups(columns: Columns, by: str) -> list[Group]:
    """Return the groups of the trainings among some jobs, in the order of their first jobs.

    Args:
        by: a column; or `seeds` for jobs that are equal in everything but the seed; or `none`: each job alone.
    """
    trained = {n: one for n, one in enumerate(columns.subjects) if one.job["kind"] == JobKind.train}
    if by == "none":
        return [Group(n, f"{n + 1} {one.job['title']}", (n,), (one.job["seed"],), ()) for n, one in trained.items()]
    setups = {n: _setup(one) for n, one in trained.items()}
    said = _differing(list(setups.values()))[:MOST_SAID]
    values = [] if by == "seeds" else columns.of(by).values
    places: dict[str, list[int]] = {}
    for n, setup in setups.items():
        key = json.dumps(setup, sort_keys=True) if by == "seeds" else json.dumps(values[n])
        places.setdefault(key, []).append(n)
    found: list[Group] = []
    for some in places.values():
        mine = [setups[n] for n in some]
        first = columns.subjects[some[0]]
        name = _setup_name(mine[0], said, first) if by == "seeds" else _name(by, first.value(by))
        if any(other.name == name for other in found):
            name = f"{name} ({some[0] + 1})"
        differ = tuple(field for field in _differing(mine) if by not in (field, f"params.{field}"))
        seeds = tuple(sorted({trained[n].job["seed"] for n in some}))
        found.append(Group(len(found), name, tuple(some), seeds, differ))
    return found


def _name(by: str, value: Value) -> str:
    """Return the name of the jobs that have this value: dcgan, width 64."""
    said = NONE if value is None else as_text(value)
    return said if by in ITSELF and value is not None else f"{re.sub(r'^(params[.]|label:)', '', by)} {said}"


def _setup_name(setup: Mapping[str, str], said: Sequence[str], first: Subject) -> str:
    """Return the name of the jobs of one setup: what differs between setups; nothing differs: their recipe."""
    return ", ".join(_name(field, setup.get(field)) for field in said) or str(first.job["recipe"])


def _setup(one: Subject) -> dict[str, str]:
    """Return what makes it the experiment that it is, flat and as text."""
    facts = flat({name: one.job[name] for name in SETUP})
    return {name: as_text(value) for name, value in {**facts, **one.params}.items() if value is not None}


def _differing(setups: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names whose values differ between these."""
    names = dict.fromkeys(name for setup in setups for name in setup)
    return [name for name in names if len({setup.get(name) for setup in setups}) > 1]
