"""Writes the chunks of running attempts. Each change is repeatable: whoever got no answer to a commit does it again."""

from __future__ import annotations

from sqlalchemy import Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from models.messages import OrderFaults
from models.rows import Artifact, Attempt, LogChunk
from models.states import ArtifactKind
from stores.events.bus import Bus
from stores.infra.errors import StaleFenceError
from stores.jobs.transitions import Claim
from stores.trainer_logs.layout import Chunk, room_after

# The merged row takes the number of its first part, so that a second merge of the same numbers changes nothing.
MERGE = text("""
WITH parts AS (
    DELETE FROM log_chunks
     WHERE job_id = :job AND attempt = :attempt AND number BETWEEN :first AND :last
    RETURNING number, first_line, lines, bytes, text)
INSERT INTO log_chunks (job_id, attempt, number, first_line, lines, bytes, text)
SELECT :job, :attempt, min(number), min(first_line), sum(lines), sum(bytes), string_agg(text, '' ORDER BY number)
  FROM parts HAVING count(*) > 0
""")


class Chunks:
    """The supervisor's side of a log."""

    def __init__(self, engine: Engine, bus: Bus) -> None:
        self._engine = engine
        self._bus = bus

    def room(self, claim: Claim) -> int:
        """Return the bytes that the log of this attempt may have."""
        kept = select(func.coalesce(func.sum(Artifact.bytes), 0)).where(
            Artifact.job_id == claim.job_id, Artifact.kind == ArtifactKind.log, Artifact.attempt < claim.attempt
        )
        waiting = select(func.coalesce(func.sum(LogChunk.bytes), 0)).where(
            LogChunk.job_id == claim.job_id, LogChunk.attempt < claim.attempt
        )
        with self._engine.connect() as connection:
            earlier = connection.scalar(select(kept.scalar_subquery() + waiting.scalar_subquery()))
        return room_after(int(earlier or 0), first=claim.attempt == 1)

    def append(self, claim: Claim, chunk: Chunk, lines: str) -> None:
        """Store a chunk of whole lines, and tell those who read along.

        Raises:
            StaleFenceError: the attempt has ended.
        """
        # The attempt's row is locked, and not the job's, which the training itself writes several times a second.
        mine = (Attempt.job_id == claim.job_id, Attempt.number == claim.attempt, Attempt.fence == claim.fence)
        running = select(Attempt.number).where(*mine, Attempt.ended_at.is_(None)).with_for_update(read=True)
        row = {
            "job_id": claim.job_id,
            "attempt": claim.attempt,
            "number": chunk.number,
            "first_line": chunk.first_line,
            "lines": chunk.lines,
            "bytes": chunk.bytes,
            "text": lines,
        }
        with self._engine.begin() as connection:
            if connection.scalar(running) is None:
                raise StaleFenceError(OrderFaults.fence_lost(job=claim.job_id, fence=claim.fence))
            connection.execute(insert(LogChunk).values(row).on_conflict_do_nothing())
        self._bus.log_grew(claim.job_id)

    def merge(self, claim: Claim, merged: Chunk) -> None:
        """Make one row of the rows of several chunks without a gap between them."""
        asked = {"job": claim.job_id, "attempt": claim.attempt, "first": merged.number, "last": merged.last_number}
        with self._engine.begin() as connection:
            connection.execute(MERGE, asked)

    def remove(self, claim: Claim, chunk: Chunk) -> None:
        """Leave a chunk out."""
        mine = (LogChunk.job_id == claim.job_id, LogChunk.attempt == claim.attempt)
        with self._engine.begin() as connection:
            connection.execute(delete(LogChunk).where(*mine, LogChunk.number == chunk.number))
