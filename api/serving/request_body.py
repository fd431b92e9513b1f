"""A request's body: as gevent reads it, with right reasons and an end of patience."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gevent.pywsgi import Input, _InvalidClientInput

from api.http.refusals import RefusalError
from models.messages import ServerFaults

Read = TypeVar("Read")

# An answer may come before its request was read, and the client then sends in vain. Up to so many bytes are read, so
# that the connection stays usable.
MOST_IN_VAIN = 1_000_000


class Body(Input):  # type: ignore[misc]
    """The body. Once it is `broken`, nobody knows where the next request begins."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.broken = False

    @property
    def left_over(self) -> bool:
        """Whether more of it was not read than is worth reading, or its end is unknown."""
        if self.broken or self._chunked_input_error:
            return True
        if self.chunked_input:
            return bool(self.chunk_length != 0)
        left = (self.content_length or 0) - self.position
        # A client that waits for `100 Continue` may or may not send its body after another answer.
        return left > MOST_IN_VAIN or (left > 0 and self.socket is not None)

    def read(self, length: int | None = None) -> bytes:
        """Read up to `length` bytes.

        Raises:
            RefusalError: the body is damaged, or comes too slowly.
            OSError: the client has left.
        """
        return self._guard(lambda: bytes(super(Body, self).read(length)))

    def readline(self, size: int | None = None) -> bytes:
        """Read a line; raises what `read` raises."""
        return self._guard(lambda: bytes(super(Body, self).readline(size)))

    def _guard(self, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except _InvalidClientInput:
            self.broken = True
            raise RefusalError("malformed", ServerFaults.chunks_unreadable()) from None
        except (RefusalError, OSError):
            self.broken = True
            raise

    def _discard(self) -> None:
        """Read the rest, so that the next request can follow; leave it where the connection ends anyway."""
        try:
            if not self.left_over:
                super()._discard()
        except (RefusalError, OSError):
            self.broken = True
