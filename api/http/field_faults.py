"""pydantic's errors as messages."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from models.messages import FieldFaults, Message, Param, Words, message_of, verbatim

_TEXTS = {
    "missing": FieldFaults.required,
    "greater_than_equal": FieldFaults.at_least,
    "greater_than": FieldFaults.greater,
    "less_than_equal": FieldFaults.at_most,
    "less_than": FieldFaults.less,
    "string_too_long": FieldFaults.too_many_characters,
    "string_too_short": FieldFaults.too_few_characters,
    "too_long": FieldFaults.too_many_entries,
    "too_short": FieldFaults.too_few_entries,
    "literal_error": FieldFaults.not_a_choice,
    "enum": FieldFaults.not_a_choice,
    "union_tag_not_found": FieldFaults.required,
    "union_tag_invalid": FieldFaults.not_a_kind,
    "int_type": FieldFaults.not_an_integer,
    "int_parsing": FieldFaults.not_an_integer,
    "int_parsing_size": FieldFaults.beyond_64_bits,
    "int_from_float": FieldFaults.not_an_integer,
    "float_type": FieldFaults.not_a_number,
    "float_parsing": FieldFaults.not_a_number,
    "finite_number": FieldFaults.not_finite,
    "bool_type": FieldFaults.not_a_switch,
    "bool_parsing": FieldFaults.not_a_switch,
    "string_type": FieldFaults.not_text,
    "list_type": FieldFaults.not_a_list,
    "dict_type": FieldFaults.not_an_object,
    "model_type": FieldFaults.not_an_object,
    "model_attributes_type": FieldFaults.not_an_object,
    "string_pattern_mismatch": FieldFaults.no_match,
    "datetime_type": FieldFaults.not_a_time,
}

_EMPTY = ("string_too_short", "too_short")


def fault(error: ErrorDetails, known: Sequence[str] = ()) -> Message:
    """Return a readable message for pydantic's error. For an unknown field it suggests one of the `known`."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), known)
    if kind == "value_error":
        return message_of(error["ctx"]["error"])
    if kind in _EMPTY and error["ctx"]["min_length"] == 1:
        return FieldFaults.must_not_be_empty()
    text = _TEXTS.get(kind)
    if text is None:
        return verbatim(error["msg"][:1].lower() + error["msg"][1:])
    found = error.get("ctx", {})
    return text(**{name: _plain(found[name]) for name in text.fields})


def _plain(value: object) -> Param:
    """Return a parameter of pydantic's error: a number or a text; a list of choices joined as on the pages."""
    if isinstance(value, str) and value.startswith("'"):
        *some, last = value.replace(" or ", ", ").split(", ")
        return Words.either(some=some, last=last) if some else last
    return value if isinstance(value, int | float | str) else str(value)


def _unknown(name: str, known: Sequence[str]) -> Message:
    # The comparison takes long for a long name, and no field has one.
    close = difflib.get_close_matches(name, known, n=1) if len(name) <= 64 else []
    choices = ", ".join(sorted(known))
    if close:
        return FieldFaults.unknown_field_close_known(close=close[0], known=choices)
    return FieldFaults.unknown_field_known(known=choices) if known else FieldFaults.unknown_field()
