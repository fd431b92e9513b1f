"""The body of an upload as it comes: its length, its deadline, and the rate at which it has to arrive."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from api.http.problems import ProblemError
from models.messages import BodyFaults, Message, ServiceFaults
from stores.infra.settings import Settings

# What is read at once. A read returns when all of it has come, so at the least rate several fit into the window.
_PIECE = 1 << 14
_LOOK_S = 0.5


@dataclass(frozen=True)
class Pace:
    """How fast a body has to arrive: all of it in time, and at least so many bytes a second over each window."""

    deadline_s: float
    rate: int
    window_s: float

    @classmethod
    def of(cls, settings: Settings) -> Pace:
        """Return the pace that the settings ask for."""
        return cls(settings.upload_deadline_s, settings.upload_min_rate, settings.upload_rate_window_s)


class Body:
    """A request's body. `read` gives what has come, and fails when it comes too slowly or too late."""

    def __init__(self, stream: IO[bytes], pace: Pace) -> None:
        self._stream = stream
        self._pace = pace
        self._piece = max(1, min(_PIECE, round(pace.rate * pace.window_s / 2) or _PIECE))
        self._begun = self._window_begun = time.monotonic()
        self._came = self._came_before = 0
        self._ended = threading.Event()
        self._refusal: Message | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end.

        Raises:
            ProblemError: 503 when they come too slowly or too late, 400 when the connection broke off.
        """
        pieces = bytearray()
        while len(pieces) < size and (piece := self._next(min(self._piece, size - len(pieces)))):
            pieces += piece
        return bytes(pieces)

    def _next(self, size: int) -> bytes:
        try:
            piece = self._stream.read(size)
        except (OSError, ClientDisconnected) as error:
            if self._refusal is not None:
                raise _refused(self._refusal) from error
            raise ProblemError("malformed", BodyFaults.form_cut_off()) from error
        if self._refusal is not None:
            raise _refused(self._refusal)
        self._came += len(piece)
        return piece

    def watch(self, connection: socket.socket) -> None:
        """Look at the pace until the body ends; too slow a body is cut off, which ends a read that waits for it."""
        while not self._ended.wait(_LOOK_S):
            self._refusal = self._fault(time.monotonic())
            if self._refusal is not None:
                with suppress(OSError):  # the client has gone
                    connection.shutdown(socket.SHUT_RD)
                return

    def end(self) -> None:
        """End the watch."""
        self._ended.set()

    def _fault(self, now: float) -> Message | None:
        pace = self._pace
        if now - self._begun > pace.deadline_s:
            return ServiceFaults.upload_too_late(seconds=round(pace.deadline_s))
        if now - self._window_begun > pace.window_s:
            if self._came - self._came_before < pace.rate * pace.window_s:
                return ServiceFaults.upload_too_slow(rate=pace.rate, seconds=round(pace.window_s))
            self._window_begun, self._came_before = now, self._came
        return None


@contextmanager
def watched_body(request: Request, limit: int, pace: Pace) -> Iterator[Body]:
    """Open the body of a request.

    Raises:
        RequestEntityTooLarge: it is larger than the limit, here or while it is read.
    """
    body = Body(get_input_stream(request.environ, max_content_length=limit), pace)
    connection: Any = request.environ.get("gunicorn.sock")
    if connection is not None:
        threading.Thread(target=body.watch, args=(connection,), name="upload-pace", daemon=True).start()
    try:
        yield body
    finally:
        body.end()


def _refused(message: Message) -> ProblemError:
    return ProblemError("unavailable", message, headers={"Retry-After": "60"})
