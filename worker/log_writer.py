"""Stores what a trainer writes, in chunks, without ever keeping it waiting.

Readers of the trainer's pipes put lines into a buffer in memory; a thread writes them to the database. While the
database is away the buffer keeps the newest lines, and those before them are left out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from stores.container import Stores
from stores.infra.errors import BlobError, StaleFenceError
from stores.jobs.transitions import Claim
from stores.trainer_logs.layout import FULL_CHUNK, Chunk, Layout
from worker.outages import GivenUpError, patiently
from worker.redaction import Redactor

log = structlog.get_logger(__name__)

# Between two writes, so that a supervisor which is killed loses no more than about this.
PAUSE_S = 1.0
# The buffer holds so many blocks at the most, of up to FULL_CHUNK bytes or BLOCK_LINES lines.
BLOCKS, BLOCK_LINES = 64, 8192
# How long the end of an attempt waits for the last lines to be stored.
LAST_LINES_S = 10.0


@dataclass
class _Block:
    first_line: int
    lines: list[str] = field(default_factory=list)
    characters: int = 0

    @property
    def full(self) -> bool:
        return self.characters >= FULL_CHUNK or len(self.lines) >= BLOCK_LINES


class Buffer:
    """Lines that are not stored yet, numbered from 1. Bounded: the oldest block goes when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: deque[_Block] = deque(maxlen=BLOCKS)
        self._next_line = 1
        self.filled = threading.Event()

    def add(self, lines: Sequence[str]) -> None:
        """Add lines. Never waits for anything but other threads that add or take."""
        with self._lock:
            for line in lines:
                if not self._blocks or self._blocks[-1].full:
                    self._blocks.append(_Block(self._next_line))
                block = self._blocks[-1]
                block.lines.append(line)
                block.characters += len(line) + 1
                self._next_line += 1
        if lines:
            self.filled.set()

    def take(self) -> _Block | None:
        """Take the oldest lines, up to a full block."""
        with self._lock:
            if self._blocks:
                return self._blocks.popleft()
            self.filled.clear()
            return None

    def __len__(self) -> int:
        with self._lock:
            return len(self._blocks)

    @property
    def pressing(self) -> bool:
        """Whether a whole block waits."""
        with self._lock:
            return bool(self._blocks) and self._blocks[0].full


class LogWriter:
    """A thread that stores the log of one attempt. An error ends it, and costs no more than the log."""

    def __init__(self, stores: Stores, claim: Claim, redactor: Redactor) -> None:
        self._stores = stores
        self._claim = claim
        self._redactor = redactor
        self.buffer = Buffer()
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._failed = False
        self._number = 0
        self._layout: Layout | None = None
        self._thread = threading.Thread(target=self._run, name=f"log-{claim.job_id}", daemon=True)
        self._thread.start()

    def add(self, lines: Sequence[str]) -> None:
        """Add lines to the log. Safe in several threads; does not wait for the database."""
        if not self._failed:
            self.buffer.add(lines)

    def close(self, folder: Path) -> None:
        """Store the last lines, and make the log an artifact. What can't be done now, a sweeper does later.

        Raises:
            StaleFenceError: the job was taken away.
        """
        if not self.flush(LAST_LINES_S):
            return
        try:
            self._stores.trainer_logs.archive.of_own(self._claim, folder)
        except (BlobError, SQLAlchemyError, OSError) as error:
            log.warning("log_not_archived", job=self._claim.job_id, error=str(error).splitlines()[0][:200])

    def flush(self, timeout: float | None = None) -> bool:
        """Store the last lines and end the thread. Return whether all lines were stored in time."""
        self._closing.set()
        self.buffer.filled.set()
        self._thread.join(timeout)
        stored = not self._thread.is_alive() and not self._failed
        self._given_up.set()
        return stored

    def abandon(self) -> None:
        """End the thread; what it has not stored is lost."""
        self._given_up.set()
        self._closing.set()
        self.buffer.filled.set()

    def _run(self) -> None:
        try:
            while not self._given_up.is_set():
                self.buffer.filled.wait()
                block = self.buffer.take()
                if block is not None:
                    self._store(block)
                elif self._closing.is_set():
                    return
                if not self.buffer.pressing:
                    self._closing.wait(PAUSE_S)
        except (StaleFenceError, GivenUpError):
            self._failed = True
        except Exception:
            # The training is worth more than its log.
            log.exception("log_lost", job=self._claim.job_id)
            self._failed = True

    def _store(self, block: _Block) -> None:
        chunks, claim = self._stores.trainer_logs.chunks, self._claim
        if self._layout is None:
            self._layout = Layout(patiently(lambda: chunks.room(claim), self._given_up))
        # Masked in one go: a pattern for each line would cost more than all the rest.
        text = self._redactor.text("\n".join(block.lines) + "\n")
        number, size = self._number, len(text.encode())
        chunk = Chunk(number, block.first_line, len(block.lines), size, number)
        patiently(lambda: chunks.append(claim, chunk, text), self._given_up)
        self._number += 1
        for gone in self._layout.add(chunk):
            patiently(lambda gone=gone: chunks.remove(claim, gone), self._given_up)  # type: ignore[misc]
        for merged in self._layout.merges():
            patiently(lambda merged=merged: chunks.merge(claim, merged), self._given_up)  # type: ignore[misc]
