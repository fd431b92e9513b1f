"""Variables of the environment that PostgreSQL's library and programs read."""

from __future__ import annotations

import os
from collections.abc import Mapping

# Some of them (PGSERVICE, PGTZ, PGOPTIONS) cannot be overridden by a parameter of the connection.
_PREFIX = "PG"


def without_libpq_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child process whose connections are those of its settings."""
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIX)}


def forget_libpq_variables() -> None:
    """Drop the variables from this process, which connects to the address of its settings and to nothing else.

    They are meant for other databases of the person whose shell it is: PGSSLMODE, PGHOSTADDR or PGSERVICE change any
    connection of the process.
    """
    for name in os.environ.keys() - without_libpq_variables(os.environ).keys():
        del os.environ[name]
