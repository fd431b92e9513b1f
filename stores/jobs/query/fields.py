"""The fields that a search knows, each with an example, and the choices of those that have few."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from models.messages import QueryFaults
from models.recipes import RECIPES
from models.specs.base import Spec
from models.specs.evaluate import EvaluateParams
from models.specs.sample import SampleParams
from models.states import DeviceClass, ErrorCode, JobKind, State
from stores.jobs.query.grammar import QueryError, Term

Kind = Literal["text", "part", "label", "number", "moment", "choice", "json"]

# No field has a longer name, and comparing takes long for long ones.
MAX_COMPARED = 64


@dataclass(frozen=True)
class Field:
    """What may be asked of a field.

    Attributes:
        kind: how its values are read: exact text, part of a text, label, number, moment, one of few choices, or a value
            in a JSON object under the name behind the dot.
        example: a term with it.
        choices: the values that a choice has.
        names: the names behind the dot; empty: any.
    """

    kind: Kind
    example: str
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def _parameters() -> tuple[str, ...]:
    classes: list[type[Spec]] = [*(recipe.params for recipe in RECIPES.values()), SampleParams, EvaluateParams]
    return tuple(sorted({name for one in classes for name in one.model_fields}))


FIGURES = ("fd_ratio", "kid")
FIELDS = {
    "name": Field("part", "name:digits"),
    "state": Field("choice", "state:failed,canceled", tuple(State)),
    "kind": Field("choice", "kind:train", tuple(JobKind)),
    "recipe": Field("text", "recipe:dcgan"),
    "preset": Field("text", "preset:small"),
    "dataset": Field("text", "dataset:mnist-10k"),
    "queue": Field("choice", "queue:gpu", tuple(DeviceClass)),
    "project": Field("text", "project:digits"),
    "label": Field("label", "label:team=a"),
    "owner": Field("text", "owner:alice"),
    "id": Field("text", "id:job_0198"),
    "parent": Field("text", "parent:job_0198"),
    "error": Field("choice", "error:out_of_memory", tuple(ErrorCode)),
    "is": Field("choice", "is:starred", ("starred",)),
    "params": Field("json", "params.batch_size>=64", names=_parameters()),
    "best": Field("number", "best.fd_ratio<3", names=FIGURES),
    "last": Field("json", "last.g_loss<1"),
    "seed": Field("number", "seed:0"),
    "priority": Field("number", "priority>0"),
    "attempt": Field("number", "attempt>1"),
    "duration": Field("number", "duration>3600"),
    "created": Field("moment", "created>=2026-01-31"),
    "started": Field("moment", "started>=2026-01-31"),
    "finished": Field("moment", "finished>=2026-01-31"),
}
# These are followed by a dot and a name.
NAMED = frozenset({"params", "best", "last"})
ORDERED = frozenset({"number", "moment", "json"})


def field_of(term: Term) -> tuple[Field, str, str]:
    """Return the field of a term, its name, and the name behind the dot, if it has one.

    Raises:
        QueryError: there is no such field, or it cannot be asked this.
    """
    name, _, part = term.field.partition(".")
    known = FIELDS.get(name)
    if known is None:
        # Parameters are the names that people know best, and write without their prefix.
        close = f"params.{term.field}" if name in FIELDS["params"].names else _closest(term.field, FIELDS)
        if close is None:
            names = ", ".join(f"{one}." if one in NAMED else one for one in FIELDS)
            raise QueryError(QueryFaults.query_unknown_field(field=term.field, at=term.at, known=names), term.at)
        raise QueryError(QueryFaults.query_unknown_field_close(field=term.field, at=term.at, close=close), term.at)
    _check_name(known, name, part, term)
    if term.operator != "=":
        if known.kind not in ORDERED:
            raise QueryError(QueryFaults.query_no_order(field=term.field, at=term.at), term.at)
        if len(term.values) > 1:
            second = term.values[1].at
            raise QueryError(QueryFaults.query_one_value(operator=term.operator, at=second), second)
    for value in term.values:
        if not value.text:
            message = QueryFaults.query_no_value(field=term.field, at=value.at, example=known.example)
            raise QueryError(message, value.at)
    return known, name, part


def _check_name(known: Field, name: str, part: str, term: Term) -> None:
    """Check the name behind the dot.

    Raises:
        QueryError
    """
    if (name in NAMED) != bool(part):
        text = QueryFaults.query_needs_name if name in NAMED else QueryFaults.query_takes_no_name
        raise QueryError(text(field=name, at=term.at, example=known.example), term.at)
    first = part.partition(".")[0]
    if known.names and (first if name == "params" else part) not in known.names:
        at = term.at + len(name) + 1
        if name != "params":
            message = QueryFaults.query_no_choice(value=part, at=at, field=name, choices=", ".join(known.names))
        elif close := _closest(first, known.names):
            message = QueryFaults.query_unknown_parameter_close(name=first, at=at, close=close)
        else:
            message = QueryFaults.query_unknown_parameter(name=first, at=at)
        raise QueryError(message, at)


def _closest(name: str, known: Iterable[str]) -> str | None:
    if len(name) > MAX_COMPARED:
        return None
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)
