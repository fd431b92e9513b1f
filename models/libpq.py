"""Variables of the environment that PostgreSQL's library and programs read."""

from __future__ import annotations

import os

_PREFIX = "PG"


def forget_libpq_variables() -> None:
    """Drop the variables from this process and its children; call it where a process starts.

    The process connects to the address of its settings and to nothing else. The variables are meant for other databases
    of the person whose shell it is. No connection parameter turns off PGSERVICE or PGTZ.
    """
    for name in [name for name in os.environ if name.startswith(_PREFIX)]:
        os.environ.pop(name, None)
