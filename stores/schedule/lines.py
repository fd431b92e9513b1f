"""Reads the lines of waiting jobs (stores/schedule/waiting_line.py): one object for each queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, RowMapping, TextClause

from stores.schedule.fair_share import Owner, Seconds, WaitingJob
from stores.schedule.waiting_line import NEAR


@dataclass(frozen=True)
class Asked:
    """A job that is asked for, and about where it stands."""

    job: WaitingJob
    about: int


@dataclass(frozen=True)
class Line:
    """One queue: who works, what is typical, what its running jobs still take, who waits, and which jobs are asked for.

    The seconds of a running job are None where nothing is known.
    """

    workers: int
    typical_s: float | None
    running: list[Seconds | None]
    owners: list[Owner]
    asked: list[Asked]


def read_lines(connection: Connection, statement: TextClause, alive_s: float, **asked: Any) -> list[Line]:
    """Return the lines that a statement of stores/schedule/waiting_line.py reads, one a queue.

    Args:
        connection: any.
        statement: STORED, NEW or FIRST.
        alive_s: seconds of silence after which a worker counts as lost.
        asked: what the statement asks for.
    """
    rows = connection.execute(statement, {"alive_s": alive_s, **asked}).mappings()
    return [_line(list(group)) for _, group in groupby(rows, key=lambda row: row["queue"])]


def _line(rows: Sequence[RowMapping]) -> Line:
    owners: dict[tuple[int, str], Owner] = {}
    for row in _only(rows, "waiting"):
        _owner(owners, row).jobs.append(_job(row))
    asked = []
    for row in _only(rows, "asked"):
        asked.append(Asked(_job(row), row["about"]))
        if row["id"] is None and row["about"] <= NEAR:
            # Were it stored, it would stand at the end of its owner's line.
            _owner(owners, row).jobs.append(_job(row))
    running = [_seconds(row) for row in _only(rows, "running")]
    in_turn = sorted(owners.values(), key=lambda owner: -owner.priority)
    return Line(rows[0]["workers"], rows[0]["typical_s"], running, in_turn, asked)


def _only(rows: Sequence[RowMapping], what: str) -> Iterator[RowMapping]:
    return (row for row in rows if row["what"] == what)


def _owner(owners: dict[tuple[int, str], Owner], row: RowMapping) -> Owner:
    place = (row["priority"], row["owner"])
    if place not in owners:
        owners[place] = Owner(*place, row["running"] or 0, row["last_served"], row["first_ordered"])
    return owners[place]


def _job(row: RowMapping) -> WaitingJob:
    return WaitingJob(row["id"], row["begun"], row["known"], _seconds(row))


def _seconds(row: RowMapping) -> Seconds | None:
    """Return what is left to run; a running job may be over its own estimate."""
    if row["likely"] is None:
        return None
    return max(0, row["likely"]), max(0, row["low"]), max(0, row["high"])
