"""Strict request parsing: invalid input is refused with its position before validation."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from flask import Request
from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from api.http.field_faults import fault
from api.http.problems import MAX_ERRORS, FieldError, InvalidError, ProblemError, field, pointer
from models.messages import BodyFaults, FieldFaults, Message, message_of
from models.specs.base import ParameterError

Model = TypeVar("Model", bound=BaseModel)

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # all but the tab

MAX_DEPTH = 32
MAX_BITS = 64
# What all objects and lists of a body hold together. The largest order, all filters full, holds about 600; beyond that,
# validation would only cost time and make as many errors.
MAX_VALUES = 2_000
MAX_NAME = 255  # characters of a field's name

# A text of JSON, closed or not: where its end is missing, everything to the end belongs to it.
_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


def read_json(request: Request) -> Any:
    """Return the body, which must be JSON as defined by RFC 8259.

    Raises:
        ProblemError: 415 for another content type, 400 for what can't be read, 413 for too much.
        InvalidError: a value no field can hold: NUL, a lone surrogate, a number beyond 64 bits; or too many values.
    """
    if request.mimetype != "application/json":
        given = BodyFaults.not_json_type(type=request.mimetype) if request.mimetype else BodyFaults.no_type()
        raise ProblemError("unsupported_media", given)
    try:
        # Windows editors begin a file with a byte order mark, which a reader may pass over (RFC 8259, 8.1).
        text = _body(request).decode("utf-8-sig")
        if _looks_too_large(text):
            raise _too_many_values()
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except UnicodeDecodeError as error:
        raise ProblemError("malformed", BodyFaults.not_utf8()) from error
    except RecursionError as error:
        raise ProblemError("malformed", BodyFaults.too_deeply_nested(levels=MAX_DEPTH)) from error
    except ValueError as error:
        raise ProblemError("malformed", BodyFaults.not_json(error=message_of(error))) from error
    if _holds_too_much(value):
        raise _too_many_values()
    if errors := list(_strange(value, [])):
        raise InvalidError(errors)
    return value


def _too_many_values() -> InvalidError:
    return InvalidError([field("", BodyFaults.too_many_values(limit=MAX_VALUES))])


def _looks_too_large(text: str) -> bool:
    """Return whether more than `MAX_VALUES` commas stand between the texts of a body; stop counting there.

    To decode hundreds of thousands of lists takes a tenth of a second, in which the process answers nobody else.
    """
    if text.count(",") <= MAX_VALUES:
        return False
    commas = end = 0
    for texts, found in enumerate(_TEXT.finditer(text)):
        commas += text.count(",", end, found.start())
        end = found.end()
        # A name and a value for each comma; more texts than that are no JSON.
        if commas > MAX_VALUES or texts > 2 * MAX_VALUES + 2:
            return True
    return commas + text.count(",", end) > MAX_VALUES


def _body(request: Request) -> bytes:
    """Return the body. werkzeug silently cuts one that comes in chunks at the limit.

    Raises:
        ProblemError: 413.
    """
    body = request.get_data()
    if request.content_length is None and len(body) >= (request.max_content_length or math.inf):
        raise ProblemError("too_large", BodyFaults.body_too_large())
    return body


def _holds_too_much(value: Any) -> bool:
    """Return whether the objects and lists of a body hold more than `MAX_VALUES`; stop counting there."""
    count = 0
    unseen = [value]
    while unseen:
        inner = unseen.pop()
        if isinstance(inner, dict | list):
            count += len(inner)
            if count > MAX_VALUES:
                return True
            unseen += inner.values() if isinstance(inner, dict) else inner
    return False


def _no_constant(name: str) -> Any:
    raise ValueError(BodyFaults.not_a_number_in_json(name=name))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError(BodyFaults.field_named_twice())
    return content


def _strange(value: Any, path: list[str | int]) -> Iterator[FieldError]:
    """Yield values that no field may hold."""
    if len(path) > MAX_DEPTH:
        raise ProblemError("malformed", BodyFaults.too_deeply_nested(levels=MAX_DEPTH))
    if isinstance(value, dict):
        for key, inner in value.items():
            if found := strange_text(key) or _long_name(key):
                yield field(pointer(path), FieldFaults.field_name(problem=found))
            else:
                yield from _strange(inner, [*path, key])
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _strange(inner, [*path, place])
    elif found := strange_text(value) if isinstance(value, str) else _strange_number(value):
        yield field(pointer(path), found)


def strange_text(text: str) -> Message | None:
    """Return why no field may hold a text, None if it is fine."""
    if "\0" in text:
        return FieldFaults.nul_character()
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return FieldFaults.half_a_surrogate()
    return None


def _long_name(name: str) -> Message | None:
    return None if len(name) <= MAX_NAME else FieldFaults.longer_than(max_length=MAX_NAME)


def refuse_unreadable(request: Request) -> None:
    """Refuse a query that is not UTF-8, which werkzeug can't read, and a header with a control character.

    No field value may hold one (RFC 9110, 5.5), and Postgres takes no NUL.

    Raises:
        InvalidError
    """
    if garbled := _not_utf8(request.query_string):
        raise InvalidError([_parameter(name, FieldFaults.text_not_utf8()) for name in garbled])
    errors = [
        field(pointer(["header", name]), FieldFaults.control_character(), header=name)
        for name, value in request.headers.items()
        if _CONTROL.search(value)
    ]
    if errors:
        raise InvalidError(errors)


def _strange_number(value: object) -> Message | None:
    if isinstance(value, float) and not math.isfinite(value):
        return FieldFaults.not_finite()
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return FieldFaults.too_many_bits(bits=MAX_BITS)
    return None


def read_body(request: Request, model: type[Model], *, optional: bool = False) -> Model:
    """Return the body as an instance of the model; an optional body may be left out.

    Raises:
        ProblemError, InvalidError
    """
    # Many clients always send a content type, even without a body.
    empty = optional and not request.get_data()
    value = {} if empty else read_json(request)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidError(body_errors(error.errors(include_url=False), model, value)) from error


def body_errors(
    found: list[ErrorDetails], model: type[BaseModel], value: Any, prefix: tuple[str, ...] = ()
) -> list[FieldError]:
    """Return the entries of `errors` for what pydantic found in a body."""
    tag = _tag(model, value)
    errors: list[FieldError] = []
    for error in found:
        path = [part for part in error["loc"] if part != "[key]"]
        if tag is not None and path[:1] == [tag]:
            path = path[1:]
        if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            path = [*path, "kind"]
        # What several parameters have wrong together is told at the one to change.
        if isinstance(cause := error.get("ctx", {}).get("error"), ParameterError):
            path = [*path, cause.name]
        # Looking for names like an unknown one takes long, and only the first errors are shown.
        known = _siblings(model, path, tag) if len(errors) < MAX_ERRORS else []
        errors.append(field(pointer([*prefix, *path]), fault(error, known)))
    return errors


def _tag(model: type[BaseModel], value: Any) -> str | None:
    """Return the value of a union's discriminator field, which pydantic inserts into its error paths."""
    return value.get("kind") if issubclass(model, RootModel) and isinstance(value, dict) else None


def _siblings(model: type[BaseModel], path: list[str | int], tag: str | None) -> list[str]:
    """Return the names of the sibling fields of the one that an error is about, where they are easily known."""
    if len(path) != 1:
        return []
    if tag is not None:
        members = getattr(model.model_fields["root"].annotation, "__args__", ())
        model = next((member for member in members if tag in str(member.model_fields["kind"].annotation)), model)
    return list(model.model_fields)


def read_query(request: Request, model: type[Model]) -> Model:
    """Return the query as an instance of the model. Only list parameters may be repeated.

    Raises:
        InvalidError
    """
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, given in request.args.lists():
        known = model.model_fields.get(name)
        if strange := next((bad for bad in map(strange_text, [name, *given]) if bad), None):
            errors.append(_parameter(name.encode(errors="replace").decode(), strange))
        elif known is not None and "list" in str(known.annotation):
            values[name] = given
        elif len(given) > 1:
            errors.append(_parameter(name, FieldFaults.given_twice()))
        else:
            values[name] = given[0]
    if errors:
        raise InvalidError(errors)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        names = list(model.model_fields)
        found = error.errors(include_url=False)
        shown = [_parameter(str(one["loc"][0]), fault(one, names)) for one in found[:MAX_ERRORS]]
        raise InvalidError(shown, count=len(found)) from error


def _not_utf8(query: bytes) -> list[str]:
    """Return the names of the parameters that are not UTF-8. werkzeug leaves their bytes encoded as `%E9`."""
    if b"%" not in query and query.isascii():
        return []
    garbled = []
    for part in query.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            garbled.append(unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace"))
    return garbled


def _parameter(name: str, message: Message) -> FieldError:
    return field(pointer(["query", name]), message, parameter=name)
