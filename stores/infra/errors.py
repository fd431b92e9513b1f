"""What can go wrong in the stores. The message is written for the person who made the request."""

from __future__ import annotations

from models.states import State


class StoreError(Exception):
    """Root of every error of this layer."""


class NotFoundError(StoreError):
    """There is no such thing, or it belongs to somebody else: the two are not told apart."""


class ConflictError(StoreError):
    """The thing is not in a state in which this can be done.

    Attributes:
        state: where it is now.
        allowed: what may be asked of it there.
    """

    def __init__(self, message: str, *, state: str | None = None, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.state = state
        self.allowed = allowed


class InvalidTransitionError(ConflictError):
    """A job was asked to do what its state does not permit."""

    def __init__(self, action: str, state: State, allowed: tuple[str, ...], pending: str | None = None) -> None:
        choices = f"; possible now: {', '.join(allowed)}" if allowed else ""
        going = f" and was asked to {pending}" if pending else ""
        super().__init__(f"cannot {action} a job that is {state}{going}{choices}", state=state, allowed=allowed)


class QuotaError(StoreError):
    """The owner has as much as this key allows. `stored` tells bytes, which stay, from jobs, which will start."""

    def __init__(self, message: str, *, stored: bool = False) -> None:
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
