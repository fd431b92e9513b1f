"""Makes one artifact of the chunks of an attempt: its supervisor before the attempt ends, or a sweeper after it died.

First the object is stored, then the transaction that adds its row removes the chunks. Whoever dies between leaves all
chunks and an object without a row. The next one begins anew and stores the same text under the same key, so nothing is
left over. Two may do so at once: the chunks of an attempt that writes no more are the same for both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from models.ids import new_id
from models.rows import Artifact, Attempt, LogChunk
from models.states import ArtifactKind
from stores.infra.blobs import Blobs, sha256_of
from stores.infra.doomed import delete_artifacts
from stores.infra.failpoints import reach
from stores.jobs.attempts import Attempts, NewArtifact
from stores.jobs.transitions import Claim
from stores.maintenance.periodic import Round
from stores.trainer_logs.layout import LEAST_ROOM, MOST_BYTES
from stores.trainer_logs.pieces import Gap, gaps_between

CONTENT_TYPE = "text/plain; charset=utf-8"
ATTEMPTS = 50  # that a round of the sweeper archives
CHUNKS = 8  # read at once


@dataclass(frozen=True)
class Gathered:
    """The chunks of an attempt, written to a file."""

    chunks: int
    lines: int  # those that were left out included
    gaps: list[Gap]


class Archive:
    """Turns chunks into artifacts."""

    def __init__(self, engine: Engine, blobs: Blobs, jobs: Attempts) -> None:
        self._engine = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._blobs = blobs
        self._jobs = jobs

    def of_own(self, claim: Claim, folder: Path) -> None:
        """Archive the log of the attempt that holds this claim. It writes no more chunks.

        Raises:
            StaleFenceError: the job was taken away.
            BlobError: the object store does not answer. A sweeper archives the log later.
        """
        path = folder / name_of(claim.attempt)
        gathered = self._gather(claim.job_id, claim.attempt, path)
        if gathered is None:
            return
        new = self._stored(claim.job_id, claim.attempt, claim.fence, path)

        def beside(connection: Connection) -> None:
            self._settle(connection, claim.job_id, claim.attempt, gathered)

        self._jobs.add_artifact(claim, new, beside)
        path.unlink()
        self._leave_room(claim.job_id)

    def of_ended(self) -> Round:
        """Archive the logs of attempts that ended without having done it. A round may be repeated at any time.

        Raises:
            BlobError: the object store does not answer.
        """
        waiting = select(LogChunk.job_id, LogChunk.attempt).distinct().subquery()
        query = (
            select(Attempt.job_id, Attempt.number, Attempt.fence, Attempt.ended_at)
            .join(waiting, (waiting.c.job_id == Attempt.job_id) & (waiting.c.attempt == Attempt.number))
            .where(Attempt.ended_at.is_not(None))
            .limit(ATTEMPTS)
        )
        with self._reader.connect() as connection:
            attempts: Sequence[Any] = connection.execute(query).all()
        sizes = [self._of_ended(attempt) for attempt in attempts]
        return Round(len(sizes), sum(sizes), more=len(attempts) == ATTEMPTS)

    def _of_ended(self, attempt: Row[Any]) -> int:
        """Archive one log; return its bytes, 0 if somebody else has done it."""
        job_id, number = attempt.job_id, attempt.number
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name_of(number)
            gathered = self._gather(job_id, number, path)
            if gathered is None:
                return 0
            new = self._stored(job_id, number, attempt.fence, path)
        fields = {name: value for name, value in vars(new).items() if name != "best"}
        # The text is from before the attempt's end, and so is its row: retention counts on it.
        row = {**fields, "job_id": job_id, "attempt": number, "fence": attempt.fence, "created_at": attempt.ended_at}
        try:
            with self._engine.begin() as connection:
                self._settle(connection, job_id, number, gathered)
                connection.execute(insert(Artifact).values(row))
        except _DoneByAnotherError:
            return 0
        self._leave_room(job_id)
        return new.bytes

    def _gather(self, job_id: str, attempt: int, path: Path) -> Gathered | None:
        """Write the text of all chunks to a file; None if there are none."""
        mine = (LogChunk.job_id == job_id, LogChunk.attempt == attempt)
        query = select(LogChunk.number, LogChunk.first_line, LogChunk.lines, LogChunk.text).where(*mine)
        stretches: list[tuple[int, int]] = []
        last = -1
        with self._reader.connect() as connection, path.open("wb") as file:
            while rows := connection.execute(
                query.where(LogChunk.number > last).order_by(LogChunk.number).limit(CHUNKS)
            ).all():
                last = rows[-1].number
                stretches += [(row.first_line, row.lines) for row in rows]
                file.writelines(row.text.encode() for row in rows)
        if not stretches:
            return None
        return Gathered(len(stretches), sum(stretches[-1]) - 1, gaps_between(stretches))

    def _stored(self, job_id: str, attempt: int, fence: int, path: Path) -> NewArtifact:
        """Store the object; return what its row will say."""
        key = f"jobs/{job_id}/{fence}/{name_of(attempt)}"
        self._blobs.put(key, path, CONTENT_TYPE)
        reach("archiving")
        return NewArtifact(
            id=new_id("art"),
            kind=ArtifactKind.log,
            name=name_of(attempt),
            step=None,
            epoch=None,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
            content_type=CONTENT_TYPE,
            object_key=key,
        )

    def _settle(self, connection: Connection, job_id: str, attempt: int, gathered: Gathered) -> None:
        """Remove the chunks that are in the artifact now, in the transaction that adds its row.

        Raises:
            _DoneByAnotherError: they are gone.
        """
        mine = (LogChunk.job_id == job_id, LogChunk.attempt == attempt)
        if connection.execute(delete(LogChunk).where(*mine)).rowcount != gathered.chunks:
            raise _DoneByAnotherError
        told = {"log_lines": gathered.lines, "log_gaps": gathered.gaps or None}
        connection.execute(update(Attempt).where(Attempt.job_id == job_id, Attempt.number == attempt).values(told))

    def _leave_room(self, job_id: str) -> None:
        """Remove logs of attempts in the middle while all together leave no room for the next attempt."""
        query = (
            select(Artifact.id, Artifact.attempt, Artifact.bytes)
            .where(Artifact.job_id == job_id, Artifact.kind == ArtifactKind.log)
            .order_by(Artifact.attempt)
        )
        with self._engine.begin() as connection:
            logs = connection.execute(query.with_for_update()).all()
            surplus = sum(one.bytes for one in logs) + LEAST_ROOM - MOST_BYTES
            gone = []
            for one in logs[1:-1]:
                if surplus > 0:
                    surplus -= one.bytes
                    gone.append(one.id)
            if gone:
                delete_artifacts(connection, Artifact.id.in_(gone))


class _DoneByAnotherError(Exception):
    """The chunks were archived meanwhile."""


def name_of(attempt: int) -> str:
    """Return the name of the artifact of an attempt's log, by which readers find it (reader.py)."""
    return f"attempt-{attempt}.log"
