"""What can go wrong on a person's side of the service. The text of each error is one readable line with a remedy."""

from __future__ import annotations

from typing import Any


class GanforgeError(Exception):
    """The root of every error that this package raises on purpose."""


class StackError(GanforgeError):
    """The local stack can't start, or a part of it has ended."""


class HomeBusyError(StackError):
    """Another stack runs on the same GANFORGE_HOME."""


class StoppedError(GanforgeError):
    """A signal asked to stop before the work was done."""


class UnreachableError(GanforgeError):
    """No service answers."""


class DownloadError(GanforgeError):
    """The bytes that came are not those that were stored."""


class UploadError(GanforgeError):
    """There is nothing to send, or it cannot be read."""


class ApiError(GanforgeError):
    """The service refused a request: RFC 9457 problem details, as one readable line.

    `status` is the HTTP status, `code` the service's own word (api.md), `errors` the fields at fault, `body` the whole
    answer, and `retry_after` the seconds after which to ask again, when the service said so.
    """

    def __init__(self, status: int, body: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code") or "unknown")
        self.errors: list[dict[str, str]] = list(body.get("errors") or [])
        self.request_id = body.get("request_id")
        self.retry_after = retry_after
        super().__init__(self._line())

    def _line(self) -> str:
        said = str(self.body.get("detail") or self.body.get("title") or "the service gave no reason")
        fields = "; ".join(f"{one.get('pointer') or 'request'} {one.get('detail', '')}".strip() for one in self.errors)
        extra = [f"allowed: {', '.join(self.body['allowed']) or 'nothing'}"] if "allowed" in self.body else []
        # A crash can only be found in the service's log, and there by this id.
        extra += [f"request {self.request_id}"] if self.status >= 500 and self.request_id else []
        line = f"{said}: {fields}" if fields else said
        return (
            " ".join(f"{line}{' (' + ', '.join(extra) + ')' if extra else ''}".split())
            + f" [{self.status} {self.code}]"
        )
