"""What can go wrong in the stores. The message is written for the person who made the request."""

from __future__ import annotations

from models.messages import Message, MessageError, OrderFaults, Words, word
from models.states import State


class StoreError(MessageError):
    """Root of every error of this layer."""


class NotFoundError(StoreError):
    """There is no such thing, or it belongs to somebody else: the two are not told apart."""


class ConflictError(StoreError):
    """The thing is not in a state in which this can be done.

    Attributes:
        state: where it is now.
        allowed: what may be asked of it there.
    """

    def __init__(self, message: Message, *, state: str | None = None, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.state = state
        self.allowed = allowed


class InvalidTransitionError(ConflictError):
    """A job was asked to do what its state does not permit."""

    def __init__(
        self, action: str | Message, state: State, allowed: tuple[str, ...], pending: str | None = None
    ) -> None:
        asked = word(action) if isinstance(action, str) else action
        message = OrderFaults.cannot(action=asked, state=word(state))
        if pending is not None:
            message = OrderFaults.cannot_while(action=asked, state=word(state), pending=word(pending))
        if allowed:
            choices = OrderFaults.possible_now(allowed=[word(one) for one in allowed])
            message = Words.both(first=message, second=choices)
        super().__init__(message, state=state, allowed=allowed)


class QuotaError(StoreError):
    """The owner has as much as this key allows. `stored` tells bytes, which stay, from jobs, which will start."""

    def __init__(self, message: Message, *, stored: bool = False) -> None:
        super().__init__(message)
        self.stored = stored


class StaleFenceError(StoreError):
    """Somebody else has taken the job over since: nothing was written, and this attempt is over."""


class IdempotencyMismatchError(StoreError):
    """The Idempotency-Key was used before with another body."""


class IdempotencyBusyError(StoreError):
    """The first request with this Idempotency-Key is still under way."""


class BadPositionError(StoreError):
    """A cursor or Last-Event-ID that this service did not hand out for this list."""


class BlobError(StoreError):
    """The object store did not do what was asked."""


class DamagedBlobError(BlobError):
    """An object's bytes are not those that were stored. Asking again does not help."""
