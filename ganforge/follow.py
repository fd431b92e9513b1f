"""Event streams that reconnect where they broke, so that no event is missed or repeated."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypedDict, TypeVar, cast

import httpx
from httpx_sse import EventSource, ServerSentEvent, SSEError

from ganforge.errors import ApiError, UnreachableError
from ganforge.transport import Transport

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Event

FIRST_DELAY_S = 0.5
# A restarted API is back within seconds; who watches a job should not wait much longer. A busy one says Retry-After.
LONGEST_DELAY_S = 5.0
_EVENT_FIELDS = {"seq": int, "job": str, "type": str, "data": dict}
_LOG_FIELDS = {"attempt": int, "line": int, "lines": list, "left_out": int}


Told = TypeVar("Told")


class Reconnecting(ABC, Generic[Told]):
    """Reads one event stream to its end, over as many connections as needed.

    Args:
        transport: the service.
        path: of the stream.
        last_id: the id of the last event already seen, or "" for the beginning.
        patience: seconds without any contact after which to give up.
        on_break: called with a readable reason whenever the connection is lost.
    """

    def __init__(
        self, transport: Transport, path: str, last_id: str, patience: float, on_break: Callable[[str], None]
    ) -> None:
        self._transport = transport
        self._path = path
        self._last_id = last_id
        self._patience = patience
        self._on_break = on_break
        self._delay = FIRST_DELAY_S
        self._failures = 0
        self._contact = time.monotonic()
        self._ended = False

    @abstractmethod
    def _told(self, sent: ServerSentEvent, data: dict[str, object]) -> Told | None:
        """Return what an event tells; None for one that was told before.

        Raises:
            LookupError: it is no event of this service.
        """

    def events(self) -> Iterator[Told]:
        """Yield each event once, in order.

        Raises:
            ApiError: the service refuses the stream for good (no such job, no right to see it).
            UnreachableError: there was no contact for `patience` seconds.
            GanforgeError: another server answers at the service's address.
        """
        while not self._ended:
            try:
                yield from self._one_connection()
            except httpx.DecodingError as error:
                # It would answer the same again, and each answer counts as contact.
                raise self._transport.foreign(self._path) from error
            except (httpx.RequestError, SSEError) as error:
                self._wait(str(error) or type(error).__name__, None)
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    raise
                self._wait(str(error), error.retry_after)
            else:
                if not self._ended:
                    self._wait("the stream was closed early", None)

    def _one_connection(self) -> Iterator[Told]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        with self._transport.stream(self._path, headers) as answer:
            if answer.status_code == httpx.codes.NO_CONTENT:
                self._ended = True
                return
            self._contact = time.monotonic()
            for sent in EventSource(answer).iter_sse():
                self._contact = time.monotonic()
                if sent.retry is not None:
                    self._delay = sent.retry / 1000
                if sent.event == "end":
                    self._ended = True
                    return
                if not sent.data:
                    continue
                told = self._event(sent)
                if told is None:
                    continue
                self._last_id = sent.id
                # Only received events count as success; a stream that opens and breaks at once is a failure.
                self._failures = 0
                yield told

    def _event(self, sent: ServerSentEvent) -> Told | None:
        try:
            data = sent.json()
            # The next request sends the id in a header, which holds ASCII.
            if sent.id.isascii() and isinstance(data, dict):
                return self._told(sent, data)
        except (ValueError, RecursionError, LookupError):
            pass
        raise self._transport.foreign(self._path)

    def _wait(self, why: str, asked: float | None) -> None:
        if time.monotonic() - self._contact > self._patience:
            raise UnreachableError(
                f"no contact with {self._transport.connection.url} for {self._patience:.0f} s ({why}); the job goes on"
            )
        self._on_break(why)
        delay = backoff(self._delay, self._failures, asked)
        self._failures = min(self._failures + 1, 10)
        time.sleep(delay)


class Follower(Reconnecting["Event"]):
    """Reads the events of a job, or of all jobs."""

    def __init__(
        self, transport: Transport, path: str, last_id: str, patience: float, on_break: Callable[[str], None]
    ) -> None:
        super().__init__(transport, path, last_id, patience, on_break)
        self._seen: dict[str, int] = {}

    def _told(self, sent: ServerSentEvent, data: dict[str, object]) -> Event | None:
        del sent
        event = cast("Event", _with_fields(data, _EVENT_FIELDS))
        if event["seq"] <= self._seen.get(event["job"], 0):
            return None
        self._seen[event["job"]] = event["seq"]
        return event


class LogLines(TypedDict):
    """Some lines of a job's log. The first has the number `line` in its attempt; `left_out` are missing before it."""

    attempt: int
    line: int
    lines: list[str]
    left_out: int


class LogFollower(Reconnecting[LogLines]):
    """Reads the log of a job."""

    def _told(self, sent: ServerSentEvent, data: dict[str, object]) -> LogLines | None:
        del sent
        told = cast("LogLines", _with_fields(data, _LOG_FIELDS))
        if not all(isinstance(line, str) for line in told["lines"]):
            raise LookupError("lines")
        return told


def _with_fields(data: dict[str, object], fields: Mapping[str, type]) -> dict[str, object]:
    """Return the data of an event, if it has these fields.

    Raises:
        LookupError: it has not.
    """
    for name, kind in fields.items():
        if not isinstance(data[name], kind):
            raise LookupError(name)
    return data


def backoff(first: float, failures: int, asked: float | None) -> float:
    """Return the seconds to wait after `failures` failures in a row: at least as long as the service asked for.

    They double up to a limit, with jitter so that many clients don't return at once.
    """
    delay: float = min(first * 2**failures, LONGEST_DELAY_S)
    return max(asked or 0.0, delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
