"""The only conversion of errors to answers: RFC 9457 `application/problem+json`, for every path."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from flask import Flask, Request, Response, g
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from api.http.language import ENGLISH, current, tell
from api.http.refusals import REFUSAL, RefusalError
from models.ids import new_id
from models.messages import (
    BodyFaults,
    FieldFaults,
    Message,
    MessageError,
    ServiceFaults,
    Titles,
    Words,
    verbatim,
)
from stores.infra.errors import (
    BadPositionError,
    BlobError,
    ConflictError,
    IdempotencyBusyError,
    IdempotencyMismatchError,
    NotFoundError,
    QuotaError,
)

log = structlog.get_logger(__name__)

TYPE = "https://ganforge.dev/problems/"
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20  # in one answer; a person mends the first ones and asks again

# code: (status, title). The codes are part of the contract; clients switch on them.
CODES = {
    "malformed": (400, Titles.title_malformed),
    "unauthenticated": (401, Titles.title_unauthenticated),
    "forbidden": (403, Titles.title_forbidden),
    "not_found": (404, Titles.title_not_found),
    "method_not_allowed": (405, Titles.title_method_not_allowed),
    "timeout": (408, Titles.title_timeout),
    "conflict": (409, Titles.title_conflict),
    "too_large": (413, Titles.title_too_large),
    "uri_too_long": (414, Titles.title_uri_too_long),
    "unsupported_media": (415, Titles.title_unsupported_media),
    "range_not_satisfiable": (416, Titles.title_range_not_satisfiable),
    "validation": (422, Titles.title_validation),
    "rate_limited": (429, Titles.title_rate_limited),
    "headers_too_large": (431, Titles.title_headers_too_large),
    "internal": (500, Titles.title_internal),
    "unavailable": (503, Titles.title_unavailable),
}
BY_STATUS = {status: code for code, (status, _) in CODES.items()}


class ProblemError(MessageError):
    """An error answer, with what the caller needs to fix the request."""

    def __init__(
        self, code: str, message: Message, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})
        self.members = members
        self.errors: Sequence[FieldError] = ()


@dataclass(frozen=True)
class FieldError:
    """One entry of `errors`: a JSON pointer into the request, the error, and further members."""

    pointer: str
    message: Message
    members: Mapping[str, str | int]


class InvalidError(ProblemError):
    """The request is well-formed but impossible. The answer names the first `MAX_ERRORS` fields and counts all."""

    def __init__(
        self, errors: Sequence[FieldError], message: Message | None = None, *, count: int | None = None
    ) -> None:
        total = len(errors) if count is None else count
        super().__init__("validation", message or FieldFaults.fields_invalid(count=total))
        self.errors = errors[:MAX_ERRORS]


def field(pointer: str, message: Message, **members: str | int) -> FieldError:
    """Return the error of the field at a JSON pointer."""
    return FieldError(pointer, message, members)


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def answer(problem: ProblemError) -> Response:
    """Return the problem as a response, in the caller's language."""
    status, title = CODES[problem.code]
    g.problem = problem.code
    body = {
        "type": TYPE + problem.code,
        "title": tell(title()),
        "status": status,
        "code": problem.code,
        "detail": tell(problem.message),
        "request_id": g.get("request_id"),
        **problem.members,
    }
    if problem.errors:
        body["errors"] = [
            {"pointer": one.pointer, "detail": tell(one.message), **one.members} for one in problem.errors
        ]
    response = Response(json.dumps(body) + "\n", status=status, mimetype=MEDIA_TYPE)
    response.headers.update(problem.headers)
    if (language := current()) != ENGLISH:
        response.headers["Content-Language"] = language
    return response


def bare_problem(code: str, message: Message) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return status line, headers and body of a problem that is told outside the application, in English."""
    status, title = CODES[code]
    request_id = new_id("req")
    told = {
        "type": TYPE + code,
        "title": str(title()),
        "status": status,
        "code": code,
        "detail": str(message),
        "request_id": request_id,
    }
    body = (json.dumps(told) + "\n").encode()
    headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body))), ("X-Request-ID", request_id)]
    return f"{status} {title()}", headers, body


def refuse_what_the_server_refuses(request: Request) -> None:
    """Raise what the server found before it called the application.

    Raises:
        RefusalError
    """
    if (refusal := request.environ.get(REFUSAL)) is not None:
        raise refusal


def translate(error: Exception) -> ProblemError:
    """Return the problem for an error of a lower layer."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RefusalError):
        wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return ProblemError(error.code, error.message, headers=wait)
    if isinstance(error, HTTPException):
        return _of_werkzeug(error)
    problem = _of_stores(error) or _of_parts(error)
    if problem is None:
        log.error("request_crashed", exc_info=error)
        return ProblemError("internal", ServiceFaults.internal_error())
    return problem


def _of_stores(error: Exception) -> ProblemError | None:
    """Return the problem for a refusal of the stores."""
    match error:
        case NotFoundError():
            return ProblemError("not_found", error.message)
        case ConflictError(state=None):
            return ProblemError("conflict", error.message)
        case ConflictError():
            return ProblemError("conflict", error.message, state=error.state, allowed=list(error.allowed))
        case QuotaError(stored=True):
            return ProblemError("conflict", error.message)
        case QuotaError():
            return ProblemError("rate_limited", error.message, headers={"Retry-After": "30"})
        case IdempotencyBusyError():
            return ProblemError("conflict", error.message, headers={"Retry-After": "1"})
        case IdempotencyMismatchError():
            return InvalidError([field("/header/Idempotency-Key", error.message, header="Idempotency-Key")])
        case BadPositionError():
            return InvalidError([field("/header/Last-Event-ID", error.message, header="Last-Event-ID")])
    return None


def _of_parts(error: Exception) -> ProblemError | None:
    """Return the problem for an unavailable database, broker or object store."""
    match error:
        case BlobError():
            return _unavailable(Words.object_store(), error)
        case redis.RedisError():
            return _unavailable(Words.broker(), error)
        case OperationalError() | InterfaceError() | PoolTimeoutError() | DBAPIError(connection_invalidated=True):
            return _unavailable(Words.database(), error)
    return None


def _unavailable(part: Message, error: Exception) -> ProblemError:
    log.warning("part_unavailable", part=str(part), error=str(error).partition("\n")[0])
    return ProblemError("unavailable", ServiceFaults.does_not_answer(part=part), headers={"Retry-After": "2"})


def _of_werkzeug(error: HTTPException) -> ProblemError:
    code = BY_STATUS.get(error.code or 500, "malformed" if (error.code or 500) < 500 else "internal")
    if code == "method_not_allowed":
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return ProblemError(code, ServiceFaults.address_takes(allowed=allowed), headers={"Allow": allowed})
    if code == "not_found":
        return ProblemError(code, ServiceFaults.nothing_here())
    if code == "too_large":
        return ProblemError(code, BodyFaults.body_too_large())
    _, title = CODES[code]
    return ProblemError(code, verbatim(error.description) if error.description else title())


def register(app: Flask, to_person: Callable[[Exception], BaseResponse | None]) -> None:
    """Answer every error of the application with a problem, unless `to_person` answers in another way."""

    def handle(error: Exception) -> BaseResponse:
        return to_person(error) or answer(translate(error))

    app.register_error_handler(Exception, handle)
