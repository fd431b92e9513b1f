"""Markers of parameters: which part of a form shows a parameter, and whether a retry from a checkpoint may change it.

A spec writes them into a field's annotation: `Annotated[int, Field(ge=1), Group.learning, Resumable.yes]`. A recipe
that redefines a shared parameter, to change its default or its description, inherits its markers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel

from models.wire import Bound


class Group(StrEnum):
    """The part of a form that shows a parameter."""

    first = "first"  # what most people change: always in view
    own = "own"  # what only this recipe has
    learning = "learning"
    data = "data"
    records = "records"


class Resumable(StrEnum):
    """Whether a retry from a checkpoint may change a parameter."""

    no = "no"  # the checkpoint depends on it: shapes of networks, what a step and an epoch are, what images look like
    yes = "yes"
    while_set = "while_set"  # from one value to another, but neither from null nor to null


Marker = TypeVar("Marker", Group, Resumable)


def group(params: type[BaseModel], name: str) -> Group:
    """Return the group of a parameter; a parameter without a marker is the recipe's own."""
    return _marker(params, name, Group) or Group.own


def resumable(params: type[BaseModel], name: str) -> Resumable:
    """Return whether a retry from a checkpoint may change a parameter; without a marker it may not."""
    return _marker(params, name, Resumable) or Resumable.no


def fixed_changes(
    params: type[BaseModel], given: dict[str, object], before: dict[str, object], after: dict[str, object]
) -> list[str]:
    """Return the given parameters that changed from `before` to `after` although a checkpoint depends on them."""
    return [name for name in given if not _may_change(params, name, before.get(name), after.get(name))]


def _may_change(params: type[BaseModel], name: str, before: object, after: object) -> bool:
    match resumable(params, name):
        case Resumable.yes:
            return True
        case Resumable.while_set if before is not None and after is not None:
            return True
    return before == after


def bounds(params: type[BaseModel]) -> dict[str, Bound]:
    """Return the largest value of each number among the parameters, and of each number in a list of them."""
    found = {}
    for name, schema in params.model_json_schema()["properties"].items():
        for kind in schema.get("anyOf", [schema]):
            number = kind.get("items", kind)
            most = number.get("maximum", number.get("exclusiveMaximum"))
            if most is not None:
                found[name] = Bound(most, kind.get("maxItems"))
    return found


def _marker(params: type[BaseModel], name: str, kind: type[Marker]) -> Marker | None:
    """Return the nearest marker of a kind: that of the spec itself, or else of the specs that it extends."""
    for spec in params.__mro__:
        if issubclass(spec, BaseModel) and name in spec.model_fields:
            for marker in spec.model_fields[name].metadata:
                if isinstance(marker, kind):
                    return marker
    return None
