"""The client's HTTP: sends requests, waits when the service says so, and turns refusals into errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from ganforge.connection import NOT_RUNNING, Connection
from ganforge.errors import ApiError, UnreachableError
from ganforge.upload import Body

TRIES = 4
LONGEST_WAIT_S = 10.0
# The service sends something at least every 15 s on an open stream.
STREAM_SILENCE_S = 40.0
# The service packs an uploaded data set before it answers.
UPLOAD_PATIENCE_S = 7200.0


class Transport:
    """Sends requests to one service with one key."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self.connection = connection
        self._timeout = timeout
        trust = not connection.local
        self._http = httpx.Client(
            base_url=connection.url,
            headers={"Authorization": f"Bearer {connection.key}", "User-Agent": "ganforge"},
            timeout=timeout,
            trust_env=trust,
        )
        # Signed links lead to another server, which must not get the key.
        self.links = httpx.Client(timeout=timeout, trust_env=trust, headers={"User-Agent": "ganforge"})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self.links.close()

    def send(self, method: str, path: str, *, patience: float = 0.0, **options: Any) -> httpx.Response:
        """Send a request and return the answer, a success or a redirection.

        Asks again, a few times and not for long, when the service says that it is busy. `patience` is how many seconds
        longer than usual the answer may take.

        Raises:
            ApiError: the service refused.
            UnreachableError: it does not answer.
        """
        for attempt in range(TRIES):
            try:
                answer = self._http.request(method, path, timeout=self._timeout + patience, **options)
                raise_for_problem(answer)
            except httpx.TransportError as error:
                raise self.unreachable(error) from error
            except ApiError as error:
                wait = error.retry_after
                if wait is None or wait > LONGEST_WAIT_S or attempt == TRIES - 1 or error.status not in {429, 503}:
                    raise
                time.sleep(wait)
            else:
                return answer
        raise AssertionError("the last try returns or raises")

    def upload(self, path: str, form: Body) -> httpx.Response:
        """Stream a form while it is generated; wait for the answer without a limit.

        Raises:
            ApiError: the service refused.
            UnreachableError: it does not answer.
        """
        headers = {"Content-Type": form.content_type, "Content-Length": str(form.length)}
        timeout = httpx.Timeout(self._timeout, read=UPLOAD_PATIENCE_S, write=UPLOAD_PATIENCE_S)
        try:
            answer = self._http.post(path, content=form.pieces(), headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise self.unreachable(error) from error
        raise_for_problem(answer)
        return answer

    @contextmanager
    def stream(self, path: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Open a response without an end.

        Raises:
            ApiError: the service refused.
            httpx.TransportError: the connection failed, now or while the caller reads.
        """
        timeout = httpx.Timeout(self._timeout, read=STREAM_SILENCE_S)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise_for_problem(answer)
            yield answer

    def unreachable(self, error: Exception) -> UnreachableError:
        """Return the error for a service that does not answer."""
        why = "it took too long" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
        # Libraries quote the header that they refuse.
        why = why.replace(self.connection.key, "[the access key]")
        return UnreachableError(f"no service answers at {self.connection.url} ({why}): {NOT_RUNNING}")


def raise_for_problem(answer: httpx.Response) -> None:
    """Raise ApiError if the answer is a refusal."""
    if not answer.is_error:
        return
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"detail": f"{answer.request.url} answered {answer.status_code}, but not as this service does"}
    after = answer.headers.get("Retry-After", "")
    raise ApiError(answer.status_code, body, float(after) if after.isdigit() else None)
