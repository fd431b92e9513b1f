"""What the shell offers behind Tab: ids and names from the service, which must answer at once or is not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import typer

from ganforge.client import Client
from ganforge.errors import GanforgeError
from models.states import JobKind, State

# Who presses Tab does not wait for a service that is away.
TIMEOUT_S = 1.0
OFFERED = 50
READ_FOR_PROJECTS = 100

# A word to offer and what it is.
Offer = tuple[str, str]


def _offered(incomplete: str, found: Callable[[Client], Iterable[Offer]]) -> list[Offer]:
    try:
        with Client(timeout=TIMEOUT_S, tries=1) as client:
            fitting = (one for one in found(client) if one[0].startswith(incomplete))
            return list(islice(fitting, OFFERED))
    except (GanforgeError, OSError, LookupError, TypeError):
        return []  # a shell shows no errors here


def _told(*parts: Any) -> str:
    # What people named is shown by the shell as it is.
    return " ".join("".join(c for c in str(part) if c.isprintable()) for part in parts if part)


def jobs(incomplete: str) -> list[Offer]:
    """Return the newest jobs."""

    def found(client: Client) -> Iterable[Offer]:
        newest = islice(client.jobs(), OFFERED)
        return [("last", "the newest job"), *((j["id"], _told(j["recipe"], j["state"], j["name"])) for j in newest)]

    return _offered(incomplete, found)


def recipes(incomplete: str) -> list[Offer]:
    """Return the recipes."""
    return _offered(incomplete, lambda client: ((one["name"], _told(one["title"])) for one in client.recipes()))


def datasets(incomplete: str) -> list[Offer]:
    """Return the data sets."""
    return _offered(
        incomplete, lambda client: ((one["name"], f"{one['images']:,} images") for one in client.datasets())
    )


def queues(incomplete: str) -> list[Offer]:
    """Return the queues."""
    return _offered(incomplete, lambda client: ((one["name"], f"{one['depth']} waiting") for one in client.queues()))


def workers(incomplete: str) -> list[Offer]:
    """Return the workers."""
    return _offered(incomplete, lambda client: ((one["id"], _told(one["name"])) for one in client.workers()))


def keys(incomplete: str) -> list[Offer]:
    """Return the access keys."""

    def found(client: Client) -> Iterable[Offer]:
        every = client.keys()
        return ((one["id"], _told(one["name"])) for one in every)

    return _offered(incomplete, found)


def webhooks(incomplete: str) -> list[Offer]:
    """Return the webhooks."""
    return _offered(incomplete, lambda client: ((one["id"], _told(one["url"])) for one in client.webhooks()))


def projects(incomplete: str) -> list[Offer]:
    """Return the projects of the newest jobs."""

    def found(client: Client) -> Iterable[Offer]:
        named = (job["project"] for job in islice(client.jobs(), READ_FOR_PROJECTS))
        return [(project, "") for project in dict.fromkeys(named) if project]

    return _offered(incomplete, found)


def shares(context: typer.Context, incomplete: str) -> list[Offer]:
    """Return the links of the job that was named before, by its whole id."""

    def found(client: Client) -> Iterable[Offer]:
        # Typer leaves the arguments before an option without a value as they were typed.
        links = client.shares(context.params["job_id"] or context.args[0])
        return [("all", "every link"), *((one["id"], f"ends {one['expires_at']}") for one in links)]

    return _offered(incomplete, found)


def views(incomplete: str) -> list[Offer]:
    """Return the saved views."""
    return _offered(incomplete, lambda client: ((one["name"], "") for one in client.views()))


def states(incomplete: str) -> list[str]:
    """Return the states of jobs."""
    return [state.value for state in State if state.value.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of jobs."""
    return [kind.value for kind in JobKind if kind.value.startswith(incomplete)]
