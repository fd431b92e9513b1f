"""A connection to one service with one key: requests, with retries where they are safe, and paginated lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from ganforge.connection import find_connection
from ganforge.transport import TRIES, Transport

PAGE = 100


class Session:
    """Close it, or use it as a context manager."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout: float = 30.0, tries: int = TRIES
    ) -> None:
        """Find the service; see `find_connection`.

        `timeout` limits the seconds of one answer, `tries` how often a busy service is asked.
        """
        self._transport = Transport(find_connection(url, key), timeout, tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._transport.connection.url

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._transport.ask("GET", path, params=params)

    def _post(self, path: str) -> dict[str, Any]:
        return self._transport.ask("POST", path)

    def _once(
        self, path: str, body: Mapping[str, Any], idempotency_key: str | None, patience: float = 0
    ) -> dict[str, Any]:
        """Send a request that must not be executed twice, with an idempotency key."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._transport.ask("POST", path, json=dict(body), headers=headers, patience=patience)

    def _list(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
        query: dict[str, Any] = {"limit": PAGE, **(params or {})}
        while True:
            page = self._get(path, query)
            if not isinstance(page.get("data"), list):
                raise self._transport.foreign(path)
            yield from page["data"]
            if page.get("next_cursor") is None:
                return
            query["cursor"] = page["next_cursor"]
