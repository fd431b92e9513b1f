"""Reading from a connection within limits of time."""

from __future__ import annotations

import io
import socket
import time
from typing import TYPE_CHECKING

from api.http.refusals import RefusalError
from models.messages import ServerFaults

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

# Bytes a second that a body must come with, once its time without bytes is used up. 4 kB are less than any line that a
# person uses, and a body of JSON then ends after a few minutes.
LEAST_RATE = 4096


class OvertimeError(RefusalError):
    """The client was too slow."""


class TimedReader(io.RawIOBase):
    """The bytes of a connection. Waiting for them uses up an allowance of seconds; what the server does does not.

    `waits` is called before each wait, `comes` after it.
    """

    def __init__(self, sock: socket.socket, waits: Callable[[], None], comes: Callable[[], None]) -> None:
        self._socket = sock
        self._waits = waits
        self._comes = comes
        self._allowed = self._left = 0.0
        self._refills = False

    def allow(self, seconds: float, *, refills: bool = False) -> None:
        """Allow this many seconds of waiting from now on. With `refills`, bytes that come buy time, never above it."""
        self._allowed = self._left = seconds
        self._refills = refills

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read what is there, or wait for it.

        Raises:
            OvertimeError
        """
        began = time.monotonic()
        self._waits()
        try:
            if self._left <= 0:
                raise TimeoutError
            self._socket.settimeout(self._left)
            count = self._socket.recv_into(buffer)
        except TimeoutError:
            self._left = 0.0
            raise OvertimeError("timeout", ServerFaults.too_slow(seconds=self._allowed)) from None
        finally:
            self._comes()
        self._left -= time.monotonic() - began
        if self._refills:
            self._left = min(self._allowed, self._left + count / LEAST_RATE)
        return count
