"""Ids as people type them: whole, by their last digits, or by a name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.output import usage
from ganforge.client import Client
from ganforge.errors import ApiError, GanforgeError
from ganforge.transport import path_segment

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

LAST = "last"
# Pages show the end of an id behind dots, which are copied with it.
_END = re.compile(r"(?:…|\.\.\.)?([0-9a-f][0-9a-f-]{3,35})")
_WHOLE = re.compile(r"[a-z]+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# How many candidates an error names.
NAMED = 5

JobId = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        help="A job's id, its last digits (4 or more), or `last` for the newest.",
        autocompletion=completion.jobs,
    ),
]
JobIds = Annotated[
    list[str],
    typer.Argument(metavar="JOB...", help="Ids of jobs, their last digits, or `last`.", autocompletion=completion.jobs),
]


def resolve(client: Client, given: str, **filters: str) -> Job:
    """Return the job with this id or end of an id, or for `last` the newest that matches the filters.

    Raises:
        GanforgeError: no job ends so, or several do; it names them.
        ApiError: there is no such job.
    """
    if given == LAST:
        newest = next(client.jobs(**filters), None)
        return newest if newest is not None else usage("there is no job yet; `ganforge train compact` submits one")
    end = _end_of(given)
    return client.job(_whole(given)) if end is None else _job_by_end(client, end, **filters)


def resolve_id(client: Client, given: str, **filters: str) -> str:
    """Return the id of the job that is meant, as `resolve` does; a whole id costs no request."""
    if given != LAST and _end_of(given) is None:
        return _whole(given)
    return resolve(client, given, **filters)["id"]


def _whole(given: str) -> str:
    """Return a whole id as it is.

    Raises:
        GanforgeError: it is something else, such as a job's name, which need not be unique.
        EncodingError: it is not UTF-8 text.
    """
    if _WHOLE.fullmatch(given) is None:
        path_segment(given)  # what cannot be sent cannot be printed
        raise GanforgeError(
            f"{given} is no job's id: give an id, its last digits (4 or more), or `last`; "
            f"`ganforge jobs -q {shlex.quote(given)}` searches names"
        )
    return given


def _end_of(given: str) -> str | None:
    found = _END.fullmatch(given.strip().lower())
    return None if found is None else found[1]


def _job_by_end(client: Client, end: str, **filters: str) -> Job:
    asked = [filters] if "trashed" in filters else [filters, {**filters, "trashed": "true"}]
    for one in asked:
        # The service searches, among the jobs that this key may see.
        found = list(islice(client.jobs(q=f"id:{end}", **one), NAMED + 1))
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(end, [_named(job["id"], job["name"]) for job in found])
    raise GanforgeError(f"no job's id ends with {end}; `ganforge jobs` lists them")


def choose(things: Iterable[Any], given: str, noun: str, *, listed: str, name: str = "name") -> Any:
    """Return the one of the things whose id, name or end of the id is given.

    `noun` is what they are called in errors, `listed` the command that lists them.

    Raises:
        GanforgeError: none fits, or several do; it names candidates.
    """
    every = list(things)
    end = _end_of(given)
    fitting = [one for one in every if one["id"] == given]
    fitting = fitting or [one for one in every if one.get(name) == given]
    fitting = fitting or [one for one in every if end is not None and one["id"].endswith(end)]
    if len(fitting) == 1:
        return fitting[0]
    told = [_named(one["id"], one.get(name)) for one in fitting or every]
    if fitting:
        raise _ambiguous(given, told)
    there = f": there are {_some(told)}" if told else ""
    raise GanforgeError(f"no {noun} has the id, name or last digits {given}{there}; `{listed}` lists them")


def chosen_id(things: Iterable[Any], given: str, noun: str, *, listed: str, name: str = "name") -> str:
    """Return the id of the thing that is meant, as `choose` does; a whole id costs no request."""
    return given if _WHOLE.fullmatch(given) else str(choose(things, given, noun, listed=listed, name=name)["id"])


def dataset_id(client: Client, given: str) -> str:
    """Return the name or id of a data set: as given if the service knows it, else that whose id ends so."""
    if _end_of(given) is None:
        return given
    try:
        return client.dataset(given)["id"]
    except ApiError as error:
        if error.status != 404:
            raise
    return str(choose(client.datasets(), given, "data set", listed="ganforge datasets")["id"])


def checkpoint_id(client: Client, job_id: str, given: str | None) -> str | None:
    """Return which checkpoint of a job is meant: `best`, `latest`, or an id, also by its end."""
    if given is None or _end_of(given) is None:
        return given
    listed = f"ganforge download {job_id} --list --kind checkpoint"
    return str(choose(client.artifacts(job_id, kind="checkpoint"), given, "checkpoint", listed=listed)["id"])


def _ambiguous(given: str, told: Sequence[str]) -> GanforgeError:
    return GanforgeError(f"{given} is ambiguous: {_some(told)}; give more digits of the id")


def _some(told: Sequence[str]) -> str:
    return ", ".join(told[:NAMED]) + (", …" if len(told) > NAMED else "")


def _named(identifier: str, name: str | None) -> str:
    return f"{identifier} ({name})" if name else identifier
