"""Errors on the client's side. Each error's text is one readable line with a remedy."""

from __future__ import annotations

from typing import Any


class GanforgeError(Exception):
    """The base class of this package's errors."""


class StackError(GanforgeError):
    """The local stack can't start, or one of its processes has ended."""


class HomeBusyError(StackError):
    """Another stack runs on the same GANFORGE_HOME."""


class StoppedError(GanforgeError):
    """A signal stopped the command before it had finished."""


class UnreachableError(GanforgeError):
    """No service answers."""


class OutputError(GanforgeError):
    """What the command prints cannot be written."""


class EncodingError(GanforgeError):
    """A request holds text that is not UTF-8."""

    def __init__(self) -> None:
        super().__init__("an argument or a file's name is not UTF-8 text")


class DownloadError(GanforgeError):
    """The downloaded bytes differ from the stored ones."""


class UploadError(GanforgeError):
    """The files to upload are missing or unreadable."""


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
        # The details of a crash are in the service's log, under this id.
        extra = [f"request {self.request_id}"] if self.status >= 500 and self.request_id else []
        line = self._of_files(said) if self._about_files() else self._of_fields() or said
        return (
            " ".join(f"{line}{' (' + ', '.join(extra) + ')' if extra else ''}".split())
            + f" [{self.status} {self.code}]"
        )

    def _about_files(self) -> bool:
        return bool(self.errors) and all(one.get("pointer") == "/file" for one in self.errors)

    def _of_files(self, said: str) -> str:
        """Return what is wrong with an upload: the summary has the remedy, the errors name the files."""
        told = [one.get("detail", "") for one in self.errors]
        return "; ".join([said, *(one for one in told if one not in said)])

    def _of_fields(self) -> str:
        """Return the name and the fault of each field; empty if there are none."""
        told = [f"{_field(one.get('pointer'))}: {one.get('detail', '')}".strip() for one in self.errors]
        return f"invalid {'; '.join(told)}" if told else ""


def _field(pointer: str | None) -> str:
    """Return how a person names the field of a JSON pointer: as `--set` takes parameters, others by their path."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in (pointer or "").split("/")[1:]]
    if parts[:1] in (["params"], ["query"]) and len(parts) > 1:
        parts = parts[1:]
    return f"`{'.'.join(parts)}`" if parts else "request"
