"""Reads the log of a job as one text: artifacts of attempts that ended, chunks of the one that runs.

A chunk may become part of an artifact between two reads. So readers keep a place, a line of an attempt, and ask each
time what follows it; that is asked in one statement.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, func, select, text

from models.rows import Job, LogChunk
from stores.infra.blobs import Blobs
from stores.infra.errors import NotFoundError
from stores.trainer_logs.pieces import (
    BEGINNING,
    Gap,
    Line,
    Piece,
    Place,
    last_lines,
    matches,
    numbered,
    with_gaps,
)

log = structlog.get_logger(__name__)

CHUNKS = 8  # read at once
MOST_FOUND = 1000  # lines that a search finds
LAST_BYTES = 1 << 17  # read first from the end of an artifact; four times as many until they have enough lines
MOST_BYTES = 8 << 20  # read from the end of an attempt: very long lines are fewer than was asked for
ANY = 2**31 - 1

# The artifact of an attempt's log has this name.
ARCHIVED = """
    attempts.job_id = :job AND artifacts.job_id = attempts.job_id AND artifacts.attempt = attempts.number
    AND artifacts.kind = 'log' AND artifacts.name = 'attempt-' || attempts.number || '.log'
"""
# The source of the text behind a place: the artifact of an attempt, or the chunks of one.
NEXT = text(f"""
(SELECT attempts.number AS attempt, object_key, artifacts.bytes, log_lines, log_gaps
   FROM attempts, artifacts
  WHERE {ARCHIVED} AND (attempts.number, log_lines) > (:attempt, :line) AND attempts.number <= :last
  ORDER BY attempts.number LIMIT 1)
UNION ALL
(SELECT attempt, NULL, NULL, NULL, NULL FROM log_chunks
  WHERE job_id = :job AND (attempt, first_line + lines - 1) > (:attempt, :line) AND attempt <= :last
  ORDER BY attempt LIMIT 1)
ORDER BY attempt, object_key LIMIT 1
""")  # noqa: S608 - nothing from outside
# The same towards the beginning: the last attempt before one.
PREVIOUS = text(f"""
(SELECT attempts.number AS attempt, object_key, artifacts.bytes, log_lines, log_gaps
   FROM attempts, artifacts
  WHERE {ARCHIVED} AND attempts.number BETWEEN :first AND :last
  ORDER BY attempts.number DESC LIMIT 1)
UNION ALL
(SELECT attempt, NULL, NULL, NULL, NULL FROM log_chunks
  WHERE job_id = :job AND attempt BETWEEN :first AND :last
  ORDER BY attempt DESC LIMIT 1)
ORDER BY attempt DESC, object_key LIMIT 1
""")  # noqa: S608


@dataclass(frozen=True)
class Found:
    """The lines that were asked for. `more`: others match too, and are not among them."""

    lines: list[Line]
    more: bool = False


class Reader:
    """Reads logs. Whoever calls has checked that the job is the caller's."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs

    def pieces(self, job_id: str, after: Place = BEGINNING, attempt: int | None = None) -> Iterator[Piece]:
        """Yield the text behind a place, of all attempts or of one, as far as it is there now. Memory stays constant.

        Raises:
            BlobError: the object store does not answer.
        """
        place = after if attempt is None else max(after, Place(attempt, 0))
        while True:
            with self._engine.connect() as connection:
                asked = {"job": job_id, "attempt": place.attempt, "line": place.line}
                source = connection.execute(NEXT, {**asked, "last": ANY if attempt is None else attempt}).first()
                rows = [] if source is None or source.object_key else _behind(connection, job_id, source, place)
            if source is None:
                return
            told = place.line if place.attempt == source.attempt else 0
            for piece in self._archived(source, told) if source.object_key else _as_pieces(rows, told):
                place = piece.end
                yield piece
            if source.object_key:
                place = Place(source.attempt, source.log_lines)

    def last(self, job_id: str, count: int, attempt: int | None = None) -> list[Line]:
        """Return the last lines of all attempts, or of one.

        Raises:
            BlobError: the object store does not answer.
        """
        newest: list[Line] = []
        first, last = (0, ANY) if attempt is None else (attempt, attempt)
        while len(newest) < count:
            with self._engine.connect() as connection:
                source = connection.execute(PREVIOUS, {"job": job_id, "first": first, "last": last}).first()
                if source is None:
                    break
                wanted = count - len(newest)
                chunks = None if source.object_key else _newest(connection, job_id, source.attempt, wanted)
            if chunks == []:
                continue  # they have just become an artifact
            newest += self._end_of(source, wanted) if chunks is None else chunks[-wanted:][::-1]
            last = source.attempt - 1
        return with_gaps(newest[::-1])

    def search(self, job_id: str, word: str, attempt: int | None = None, last: int | None = None) -> Found:
        """Return the first 1,000 lines that contain a word, whatever its case; with `last`, the last ones instead.

        Raises:
            BlobError: the object store does not answer.
        """
        every = chain.from_iterable(matches(piece, word) for piece in self.pieces(job_id, attempt=attempt))
        if last is not None:
            newest = deque(every, maxlen=last + 1)
            return Found(list(newest)[-last:], len(newest) > last)
        found: list[Line] = []
        for line in every:
            if len(found) == MOST_FOUND:
                return Found(found, more=True)
            found.append(line)
        return Found(found)

    def place_before(self, job_id: str, count: int, attempt: int | None = None) -> Place:
        """Return the place behind which the last lines stand."""
        lines = self.last(job_id, count, attempt)
        return Place(lines[0].attempt, lines[0].line - 1) if lines else BEGINNING

    def has_ended(self, job_id: str) -> bool:
        """Return whether no more lines will come: the job has ended, or is gone."""
        with self._engine.connect() as connection:
            return connection.scalar(select(Job.finished_at.is_not(None)).where(Job.id == job_id)) is not False

    def _archived(self, source: Row[Any], after: int) -> Iterator[Piece]:
        try:
            yield from numbered(self._blobs.stream(source.object_key), source.attempt, _gaps(source), after)
        except NotFoundError:
            log.warning("log_missing", key=source.object_key)

    def _end_of(self, source: Row[Any], count: int) -> list[Line]:
        """Return up to `count` lines of the end of an artifact, newest first."""
        size = LAST_BYTES
        while True:
            begin = max(0, source.bytes - size)
            try:
                end = b"".join(self._blobs.stream(source.object_key, range(begin, source.bytes)))
            except NotFoundError:
                log.warning("log_missing", key=source.object_key)
                return []
            # The first line may be cut.
            whole = end[end.find(b"\n") + 1 :] if begin else end
            if not begin or size >= MOST_BYTES or whole.count(b"\n") >= count:
                break
            size = min(4 * size, MOST_BYTES)
        return list(last_lines(whole, source.attempt, source.log_lines, _gaps(source)))[:count]


def _gaps(source: Row[Any]) -> list[Gap]:
    return [Gap(*gap) for gap in source.log_gaps or ()]


def _behind(connection: Connection, job_id: str, source: Row[Any], place: Place) -> list[Row[Any]]:
    told = place.line if place.attempt == source.attempt else 0
    query = (
        select(LogChunk.attempt, LogChunk.first_line, LogChunk.lines, LogChunk.text)
        .where(LogChunk.job_id == job_id, LogChunk.attempt == source.attempt)
        .where(LogChunk.first_line + LogChunk.lines - 1 > told)
    )
    return list(connection.execute(query.order_by(LogChunk.number).limit(CHUNKS)))


def _as_pieces(rows: list[Row[Any]], told: int) -> Iterator[Piece]:
    """Yield chunks as pieces behind the line `told`."""
    for row in rows:
        blocks = (row.text.encode(),)
        # The lines before a chunk count as left out, so that its own get their numbers.
        before = [Gap(0, row.first_line - 1)] if row.first_line > 1 else []
        for piece in numbered(blocks, row.attempt, before, told):
            told = piece.end.line
            yield piece


def _newest(connection: Connection, job_id: str, attempt: int, count: int) -> list[Line]:
    """Return the lines of the newest chunks of an attempt that have `count` lines together, oldest first."""
    newest_first = LogChunk.number.desc()
    behind = func.sum(LogChunk.lines).over(order_by=newest_first) - LogChunk.lines
    bytes_behind = func.sum(LogChunk.bytes).over(order_by=newest_first) - LogChunk.bytes
    mine = (LogChunk.job_id == job_id, LogChunk.attempt == attempt)
    sums = (behind.label("behind"), bytes_behind.label("bytes_behind"))
    each = select(LogChunk.number, LogChunk.first_line, LogChunk.text, *sums).where(*mine).subquery()
    query = (
        select(each.c.first_line, each.c.text)
        .where(each.c.behind < count, each.c.bytes_behind < MOST_BYTES)
        .order_by(each.c.number)
    )
    return [
        Line(attempt, row.first_line + n, line)
        for row in connection.execute(query)
        for n, line in enumerate(row.text.split("\n")[:-1])
    ]
