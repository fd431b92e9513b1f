"""The body of an upload as it comes. The server ends one that comes too slowly (api/serving/timed_reader.py)."""

from __future__ import annotations

import time

from flask import Request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from api.http.problems import ProblemError
from models.messages import BodyFaults, ServiceFaults


class Body:
    """A request's body, of at most `limit` bytes, that has to arrive within `deadline_s`.

    Raises:
        RequestEntityTooLarge: it is larger, here or while it is read.
    """

    def __init__(self, request: Request, limit: int, deadline_s: float) -> None:
        self._stream = get_input_stream(request.environ, max_content_length=limit)
        self._deadline_s = deadline_s
        self._begun = time.monotonic()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end.

        Raises:
            ProblemError: 503 when they come too late, 400 when the connection broke off.
            RefusalError: they come too slowly.
        """
        if time.monotonic() - self._begun > self._deadline_s:
            late = ServiceFaults.upload_too_late(seconds=round(self._deadline_s))
            raise ProblemError("unavailable", late, headers={"Retry-After": "60"})
        try:
            return self._stream.read(size)
        except (OSError, ClientDisconnected) as error:
            raise ProblemError("malformed", BodyFaults.form_cut_off()) from error
