"""A recipe's parameters as the fields of a form, in groups: the type, bounds, value and meaning of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.http.language import gettext
from models.budget import REPLACES, with_changes
from models.specs.base import Spec
from models.specs.parameter_markers import Group, group

BOUNDS = {"minimum": "min", "maximum": "max"}


@dataclass(frozen=True)
class Entry:
    """One field. `kind`: integer, number, switch, choice, cadence, list (of integers), actions or text.

    Actions are an object: for each of the `keys` one of the choices, of which the first is left out.
    """

    name: str
    kind: str
    optional: bool  # whether null is a value; an empty input means it
    default: Any  # the value if left out: of the preset, else of the recipe
    value: Any
    about: Markup
    attributes: Mapping[str, Any]  # HTML attributes of the input
    choices: Sequence[str] = ()
    keys: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The text in its input."""
        return written(next(iter(self.value.values()), None) if self.kind == "cadence" and self.value else self.value)

    @property
    def default_text(self) -> str:
        """The text in its input for the default value."""
        return written(self.default)

    @property
    def replaces(self) -> str | None:
        """The parameter that a value in this one clears: a budget has one unit."""
        return REPLACES.get(self.name)

    @property
    def unit(self) -> str:
        """The unit of a cadence."""
        return next(iter(self.value)) if self.value else "epochs"


ParamsForm = Mapping[Group, Sequence[Entry]]


def params_form(
    params: type[Spec],
    schema: Mapping[str, Any],
    preset: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> ParamsForm:
    """Return the fields for a recipe's parameters, by group; each group in the order of the spec.

    `schema` is their JSON Schema, `preset` the values that a preset sets, `values` those that the form starts with.
    """
    base = known_changes({name: facts.get("default") for name, facts in schema["properties"].items()}, preset or {})
    current = known_changes(base, values or {})
    groups: dict[Group, list[Entry]] = {one: [] for one in Group}
    for name, facts in schema["properties"].items():
        groups[group(params, name)].append(_entry(name, _resolved(facts, schema), base[name], current[name]))
    return groups


def known_changes(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with changes applied, except changes to parameters that the recipe does not have."""
    return with_changes(base, {name: value for name, value in changes.items() if name in base})


def written(value: Any) -> str:
    """Return a value as an input holds it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(written, value))
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def prose(text: str) -> Markup:
    """Return a text of the API in the reader's language, with `names` as code."""
    translated = gettext(text) if text else ""  # the translation of nothing is the catalogue's header
    parts = re.split(r"`([^`]*)`", translated)
    return Markup().join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _resolved(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a property's facts without unions with null (`optional` instead) and references."""
    choices = facts.get("anyOf", [facts])
    [kind] = [choice for choice in choices if choice.get("type") != "null"]
    if "$ref" in kind:
        kind = {**kind, **schema["$defs"][kind["$ref"].rpartition("/")[2]]}
    return {**kind, "description": facts.get("description", ""), "optional": len(choices) > 1}


def _entry(name: str, facts: Mapping[str, Any], default: Any, value: Any) -> Entry:
    attributes: dict[str, Any] = {}
    choices: Sequence[str] = ()
    keys: Sequence[str] = ()
    match facts:
        case {"enum": [*choices]}:
            kind = "choice"
        case {"type": "boolean"}:
            kind = "switch"
        case {"type": "integer" | "number" as kind}:
            attributes = {html: facts[bound] for bound, html in BOUNDS.items() if bound in facts}
            attributes["step"] = 1 if kind == "integer" else "any"
        case {"type": "array"}:
            kind = "list"
        case {"type": "string"}:
            kind = "text"
        case {"properties": {"steps": _, "epochs": _, "seconds": _}}:
            kind = "cadence"
        case {"propertyNames": {"enum": [*keys]} | {"const": keys}, "additionalProperties": {"enum": [*choices]}}:
            kind, keys = "actions", [keys] if isinstance(keys, str) else keys
        case _:
            raise ValueError(f"the form has no field for {name}: {facts}")
    return Entry(name, kind, facts["optional"], default, value, prose(facts["description"]), attributes, choices, keys)
