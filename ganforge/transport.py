"""The client's HTTP: sends requests, waits when the service says so, and turns refusals into errors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
from socksio import SOCKSError

from ganforge.connection import NOT_RUNNING, Connection
from ganforge.errors import ApiError, EncodingError, GanforgeError, UnreachableError
from ganforge.upload import Body

TRIES = 4
LONGEST_WAIT_S = 10.0
# The service sends something at least every 15 s on an open stream.
STREAM_SILENCE_S = 40.0
# The service packs an uploaded data set before it answers.
UPLOAD_PATIENCE_S = 7200.0


class Transport:
    """Sends requests to one service with one key."""

    def __init__(self, connection: Connection, timeout: float, tries: int = TRIES) -> None:
        self.connection = connection
        self._timeout = timeout
        self._tries = tries
        agent = {"User-Agent": "ganforge"}
        secret = {"Authorization": f"Bearer {connection.key}"}
        self._http = _client(connection, timeout, connection.url, {**agent, **secret})
        # Signed links lead to another server, which must not get the key.
        self.links = _client(connection, timeout, "", agent)

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
            EncodingError: the request holds text that is not UTF-8.
        """
        for attempt in range(self._tries):
            try:
                answer = self._http.request(method, path, timeout=self._timeout + patience, **options)
                raise_for_problem(answer)
            except httpx.RequestError as error:
                raise self.unreachable(error) from error
            except UnicodeError as error:
                raise EncodingError from error
            except (httpx.InvalidURL, ValueError) as error:
                raise GanforgeError(f"this request can't be sent: {str(error) or type(error).__name__}") from error
            except ApiError as error:
                wait = error.retry_after
                if (
                    wait is None
                    or wait > LONGEST_WAIT_S
                    or attempt == self._tries - 1
                    or error.status not in {429, 503}
                ):
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
        except httpx.RequestError as error:
            raise self.unreachable(error) from error
        raise_for_problem(answer)
        return answer

    @contextmanager
    def stream(self, path: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Open a response without an end.

        Raises:
            ApiError: the service refused.
            httpx.RequestError: the connection failed or its bytes are damaged, now or while the caller reads.
        """
        timeout = httpx.Timeout(self._timeout, read=STREAM_SILENCE_S)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise_for_problem(answer)
            yield answer

    def ask(self, method: str, path: str, *, patience: float = 0.0, **options: Any) -> dict[str, Any]:
        """Send a request and return the JSON object of the answer.

        Raises:
            ApiError: the service refused, or something else answers at its address.
            UnreachableError: it does not answer.
        """
        return content(self.send(method, path, patience=patience, **options))

    def unreachable(self, error: Exception) -> UnreachableError:
        """Return the error for a service that does not answer."""
        why = "it took too long" if isinstance(error, httpx.TimeoutException) else str(error) or type(error).__name__
        return UnreachableError(f"no service answers at {self.connection.url} ({why}): {NOT_RUNNING}")

    def foreign(self, path: str) -> GanforgeError:
        """Return the error for an answer of another server at the service's address."""
        return GanforgeError(f"{self.connection.url}{path} answered, but not as this service does")


def path_segment(name: str) -> str:
    """Return a name as one segment of a path.

    Raises:
        EncodingError: it is not UTF-8 text.
    """
    try:
        return quote(name, safe="")
    except UnicodeError as error:
        raise EncodingError from error


def content(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ApiError: the body is not a JSON object, so another server answers at this address.
    """
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(answer.status_code, _foreign(answer))
    return body


class _Client(httpx.Client):
    """Turns errors of the SOCKS library into those of httpx, which lets them through."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request.

        Raises:
            httpx.RequestError: the connection, a proxy or the answer failed.
        """
        try:
            return super().send(request, **options)
        except SOCKSError as error:
            raise httpx.ProxyError(f"the SOCKS proxy failed: {error}", request=request) from error


def _client(connection: Connection, timeout: float, base: str, headers: dict[str, str]) -> httpx.Client:
    """Return a client. Proxies and certificates come from the environment, unless the service is on this machine."""
    try:
        return _Client(base_url=base, timeout=timeout, trust_env=not connection.local, headers=headers)
    except OSError as error:
        where = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        raise GanforgeError(
            f"the certificates in SSL_CERT_FILE or SSL_CERT_DIR ({where}) can't be read "
            f"({error.strerror or error}): correct or unset these variables"
        ) from error
    except (httpx.InvalidURL, ValueError) as error:
        # A proxy's address may hold a password, and the library's message a part of it.
        raise GanforgeError(
            "the proxies in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY can't be used: an address is not valid; "
            "correct or unset these variables"
        ) from error


def _foreign(answer: httpx.Response) -> dict[str, str]:
    return {"detail": f"{answer.request.url} answered {answer.status_code}, but not as this service does"}


def raise_for_problem(answer: httpx.Response) -> None:
    """Raise ApiError if the answer is a refusal."""
    if not answer.is_error:
        return
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = _foreign(answer)
    after = answer.headers.get("Retry-After", "")
    raise ApiError(answer.status_code, body, float(after) if after.isdecimal() else None)
