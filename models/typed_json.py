"""Reads JSON as dataclasses, strictly: every field must be there, of its type, and no other.

For Python 3.8 and without pydantic, since trainers read their messages with it. It knows what those messages are made
of: text, numbers, paths, literals, lists, tuples, dicts, optional values and other dataclasses.
"""

import json
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Literal,
    Mapping,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")


class JSONTypeError(ValueError):
    """A text is not the JSON of any of the dataclasses that were asked for; the message says why."""


def read_object(text: Union[str, bytes], subject: str, kind: Type[T]) -> T:
    """Read an object as a dataclass. The error's message begins with `subject`.

    Raises:
        JSONTypeError
    """
    return _object(kind, _parse(text, subject), subject, "")


def read_tagged(text: Union[str, bytes], subject: str, tag: str, kinds: Mapping[str, Type[T]]) -> T:
    """Read an object whose field `tag` names its dataclass. The error's message begins with `subject`.

    Raises:
        JSONTypeError
    """
    given = _parse(text, subject)
    if tag not in given:
        raise JSONTypeError(f"{subject} lacks the field {tag!r}")
    name = given.pop(tag)
    if not isinstance(name, str) or name not in kinds:
        raise JSONTypeError(f"{subject} cannot be read: {tag} is {name!r}; it must be {' or '.join(kinds)}")
    return _object(kinds[name], given, subject, "")


def _parse(text: Union[str, bytes], subject: str) -> Dict[str, object]:
    try:
        given = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise JSONTypeError(f"{subject} cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise JSONTypeError(f"{subject} cannot be read: it is {_shown(given)}, not an object")
    return given


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


@lru_cache(maxsize=None)
def _fields(kind: Callable[..., T]) -> Mapping[str, Tuple["Field[object]", object]]:
    """Return each field of a dataclass with its type."""
    types = get_type_hints(kind)
    return {one.name: (one, types[one.name]) for one in fields(kind)}  # type: ignore[arg-type]


def _object(kind: Callable[..., T], given: Mapping[str, object], subject: str, where: str) -> T:
    of = f" of {where}" if where else ""
    known = _fields(kind)
    for name in given:
        if name not in known:
            raise JSONTypeError(f"{subject} has a field {name!r}{of}, which is not known")
    values = {}
    for name, (one, hint) in known.items():
        if name in given:
            values[name] = _value(hint, given[name], subject, f"{where}.{name}" if where else name)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise JSONTypeError(f"{subject} lacks the field {name!r}{of}")
    return kind(**values)


def _value(hint: object, value: object, subject: str, where: str) -> object:
    """Return a JSON value as the type of its field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Union:
        return _one_of(arguments, value, subject, where)
    if origin in (list, tuple) and isinstance(value, list):
        items = [_value(arguments[0], item, subject, where) for item in value]
        return items if origin is list else tuple(items)
    if origin is dict and isinstance(value, dict):
        return {name: _value(arguments[1], item, subject, f"{where}.{name}") for name, item in value.items()}
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _object(hint, value, subject, where)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if not _is_plain(hint, value):
        must = f"; it must be {' or '.join(map(str, arguments))}" if origin is Literal else ""
        raise JSONTypeError(f"{subject} cannot be read: {where} is {_shown(value)}{must}")
    return value


def _one_of(hints: Sequence[object], value: object, subject: str, where: str) -> object:
    """Return a value as the first of several types that it can be; its error is that of the first one."""
    found = []
    for hint in hints:
        try:
            return _value(hint, value, subject, where)
        except JSONTypeError as error:  # noqa: PERF203 - two or three types
            found.append(error)
    raise found[0]


def _is_plain(hint: object, value: object) -> bool:
    """Tell whether a value stays as JSON gives it. A whole number is also a `float`; true and false are no numbers."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(hint, TypeVar):
        return isinstance(value, dict)  # a job's parameters, which the API has validated
    if not isinstance(hint, type) or isinstance(value, bool):
        return hint in (bool, object) and isinstance(value, bool)
    return isinstance(value, (int, float) if hint is float else hint)


def _shown(value: object) -> str:
    return type(value).__name__ if isinstance(value, (list, dict, type(None))) else repr(value)
