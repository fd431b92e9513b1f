"""Errors become answers here and nowhere else: RFC 9457 `application/problem+json`, for every path."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis
import structlog
from flask import Flask, Response, g
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

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

# code: (status, title). The codes are part of the contract; clients switch on them.
CODES = {
    "malformed": (400, "Request cannot be read"),
    "unauthenticated": (401, "No valid access key"),
    "forbidden": (403, "Not allowed for this key"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method is not allowed here"),
    "conflict": (409, "Not possible in the present state"),
    "too_large": (413, "Request is too large"),
    "unsupported_media": (415, "Content type is not supported"),
    "validation": (422, "Request is not valid"),
    "rate_limited": (429, "Too many requests"),
    "internal": (500, "Internal error"),
    "unavailable": (503, "Service is unavailable"),
}
BY_STATUS = {status: code for code, (status, _) in CODES.items()}


class ProblemError(Exception):
    """An answer that is an error, with what the caller needs to mend it."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


class InvalidError(ProblemError):
    """The request reads well but asks for something that can't be."""

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        count = len(errors)
        detail = "1 field is not valid" if count == 1 else f"{count} fields are not valid"
        super().__init__("validation", detail, errors=list(errors))


def field(pointer: str, detail: str, **more: str) -> dict[str, str]:
    """Return one entry of `errors`: a JSON pointer into the request, and what is wrong there."""
    return {"pointer": pointer, "detail": detail, **more}


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of names and places."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def answer(problem: ProblemError, say: Callable[[str], str] = str) -> Response:
    """Return the problem as a response. `say` puts its words into another language."""
    status, title = CODES[problem.code]
    g.problem = problem.code
    body = {
        "type": TYPE + problem.code,
        "title": say(title),
        "status": status,
        "code": problem.code,
        "detail": say(problem.detail),
        "request_id": g.get("request_id"),
        **problem.members,
    }
    if "errors" in body:
        body["errors"] = [{**one, "detail": say(one["detail"])} for one in body["errors"]]
    response = Response(json.dumps(body) + "\n", status=status, mimetype=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def translate(error: Exception) -> ProblemError:
    """Return the problem that an error of the layers below means to a caller."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return _of_werkzeug(error)
    problem = _of_stores(error) or _of_parts(error)
    if problem is None:
        log.error("request_crashed", exc_info=error)
        return ProblemError("internal", "something went wrong here; the log has it under this request_id")
    return problem


def _of_stores(error: Exception) -> ProblemError | None:
    """Translate what the stores refuse."""
    match error:
        case NotFoundError():
            return ProblemError("not_found", str(error))
        case ConflictError(state=None):
            return ProblemError("conflict", str(error))
        case ConflictError():
            return ProblemError("conflict", str(error), state=error.state, allowed=list(error.allowed))
        case QuotaError(stored=True):
            return ProblemError("conflict", str(error))
        case QuotaError():
            return ProblemError("rate_limited", str(error), headers={"Retry-After": "30"})
        case IdempotencyBusyError():
            return ProblemError("conflict", str(error), headers={"Retry-After": "1"})
        case IdempotencyMismatchError():
            return InvalidError([field("/header/Idempotency-Key", str(error), header="Idempotency-Key")])
        case BadPositionError():
            return InvalidError([field("/header/Last-Event-ID", str(error), header="Last-Event-ID")])
    return None


def _of_parts(error: Exception) -> ProblemError | None:
    """Translate the silence of what stands behind this service."""
    match error:
        case BlobError():
            return _unavailable("the object store", error)
        case redis.RedisError():
            return _unavailable("the broker", error)
        case OperationalError() | InterfaceError() | PoolTimeoutError() | DBAPIError(connection_invalidated=True):
            return _unavailable("the database", error)
    return None


def _unavailable(part: str, error: Exception) -> ProblemError:
    log.warning("part_unavailable", part=part, error=str(error).partition("\n")[0])
    return ProblemError("unavailable", f"{part} does not answer; try again shortly", headers={"Retry-After": "2"})


def _of_werkzeug(error: HTTPException) -> ProblemError:
    code = BY_STATUS.get(error.code or 500, "malformed" if (error.code or 500) < 500 else "internal")
    details = {
        "not_found": "there is nothing at this address; /docs lists what there is",
        "too_large": "a JSON body may have 1 MB at most",
    }
    headers = {}
    if code == "method_not_allowed":
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        headers["Allow"] = allowed
        details[code] = f"this address takes {allowed}"
    return ProblemError(code, details.get(code, error.description or CODES[code][1]), headers=headers)


def register(app: Flask, to_person: Callable[[Exception], BaseResponse | None]) -> None:
    """Let every error of the application leave as a problem, in English; `to_person` may answer in another way."""

    def handle(error: Exception) -> BaseResponse:
        return to_person(error) or answer(translate(error))

    app.register_error_handler(Exception, handle)


# -- pydantic's findings in our words

_WORDS = {
    "missing": "is required",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "union_tag_not_found": "is required",
    "union_tag_invalid": "must be one of {expected_tags}",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_parsing_size": "must be an integer of at most 64 bits",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_pattern_mismatch": "must match {pattern}",
    "datetime_type": "must be a time as RFC 3339 has it, such as 2026-01-31T12:00:00Z",
}

_EMPTY = ("string_too_short", "too_short")


def words(error: ErrorDetails, known: Sequence[str] = ()) -> str:
    """Say what pydantic found, for the person who sent it. An unknown field may have meant one of the `known`."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), known)
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in _EMPTY and error["ctx"]["min_length"] == 1:
        return "must not be empty"
    template = _WORDS.get(kind)
    return error["msg"][:1].lower() + error["msg"][1:] if template is None else template.format(**error.get("ctx", {}))


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    choices = f" (known: {', '.join(sorted(known))})" if known else ""
    return f"is not known here{hint}{choices}"
