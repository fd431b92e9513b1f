"""What the jobs of a comparison are called: those of the same name are told apart by what differs, or by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.dashboard.compare_columns import as_text, flat
from api.dashboard.formats import NONE, short

# Fields of a job that tell it apart, after its parameters.
FACTS = ("seed", "dataset", "preset", "queue")
MOST_SAID = 2


def titles(jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a title for each of these jobs; no two are equal."""
    plain = [_plain(job) for job in jobs]
    alike: dict[str, list[int]] = {}
    for n, title in enumerate(plain):
        alike.setdefault(title, []).append(n)
    return [
        title if len(alike[title]) == 1 else f"{title} · {_apart(jobs[n], [jobs[one] for one in alike[title]])}"
        for n, title in enumerate(plain)
    ]


def _plain(job: Mapping[str, Any]) -> str:
    """Return the name of a job, or else of the data set that it judges, or of its recipe."""
    return str(job["name"] or (job["source"] or {}).get("dataset") or job["recipe"])


def _apart(job: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    """Return what sets a job apart from those of the same name: a few settings, or else the end of its id."""
    every = [_said(one) for one in alike]
    names = dict.fromkeys(name for said in every for name in said)
    differ = [name for name in names if len({said.get(name) for said in every}) > 1][:MOST_SAID]
    texts = [", ".join(f"{name} {said.get(name, NONE)}" for name in differ) for said in every]
    mine = texts[next(n for n, one in enumerate(alike) if one is job)]
    return mine if mine and texts.count(mine) == 1 else short(job["id"])


def _said(job: Mapping[str, Any]) -> dict[str, str]:
    facts = {**flat(job["params"]), **{name: job[name] for name in FACTS}}
    return {name: as_text(value) for name, value in facts.items() if value is not None}
