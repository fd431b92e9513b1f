"""Every parameter of every recipe, at its limits, beyond them and of the wrong type: fine, or refused by its name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from pydantic import ValidationError

from api.http.parsing import body_errors
from models.recipes import RECIPES, resolve_params
from models.specs.base import Spec, TrainParams
from models.specs.evaluate import EvaluateParams
from models.specs.sample import SampleParams

HUGE: tuple[Any, ...] = (10**19, -(10**19), 1e300)
# None of these is a number, a text or a switch; a value of another of these types is wrong too.
STRANGE: tuple[Any, ...] = ([], [[]], {}, {"steps": "1"}, {"nope": 1})
WRONG: dict[str, tuple[Any, ...]] = {
    "integer": (*STRANGE, *HUGE, "1", True, 1.5, 1.0),
    "number": (*STRANGE, *HUGE, "0.5", True, float("nan"), float("inf")),
    "boolean": (*STRANGE, *HUGE, "true", 0, 1),
    "string": (*STRANGE, *HUGE, True, 1, "nope" * 100),
    "object": (*STRANGE, *HUGE, True, 1, "epochs"),
    "actions": ([], [[]], {"nope": "pause"}, {"gradient_norm": "nope"}, {"gradient_norm": None}, *HUGE, True, "pause"),
    "array": ([], [[]], {}, *HUGE, True, 1, "1, 1", [1], [0, 1], [1] * 1000, ["1", "1"]),
}
SPECS: dict[str, type[Spec]] = {**{name: recipe.params for name, recipe in RECIPES.items()}, "sample": SampleParams}
SPECS["evaluate"] = EvaluateParams


@lru_cache
def schema(spec: str) -> dict[str, Any]:
    """Return the schema of a recipe's parameters, or of sampling or evaluating."""
    return SPECS[spec].model_json_schema()


def kinds(spec: str, name: str) -> list[dict[str, Any]]:
    """Return the schemas that a parameter may have: without null, and with those that are defined elsewhere."""
    found = schema(spec)["properties"][name]
    defined = schema(spec).get("$defs", {})
    each = [
        defined[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind for kind in found.get("anyOf", [found])
    ]
    return [kind for kind in each if kind.get("type") != "null"]


def codes(kind: dict[str, Any]) -> list[str]:
    """Return the keys of an object that has a fixed set of them; a set of one is a constant."""
    names = kind["propertyNames"]
    return list(names.get("enum", [names.get("const")]))


def fine(kind: dict[str, Any]) -> Iterator[Any]:
    """Yield values at the limits."""
    if "enum" in kind or "const" in kind:
        yield from kind.get("enum", [kind.get("const")])
    elif kind["type"] == "boolean":
        yield from (True, False)
    elif "propertyNames" in kind:
        yield {}
        for action in kind["additionalProperties"]["enum"]:
            yield dict.fromkeys(codes(kind), action)
    elif kind["type"] == "object":
        yield from ({"steps": 1}, {"epochs": 100_000}, {"seconds": 0.1}, {"seconds": 1})
    elif kind["type"] == "array":
        least, most = kind["items"]["minimum"], kind["items"]["maximum"]
        yield from ([least] * kind["minItems"], [most] * kind["maxItems"])
    elif kind["type"] in ("integer", "number"):
        yield kind.get("minimum", 5e-324)
        yield kind.get("maximum", 1 - 2**-53)
    else:
        yield "a" * kind["maxLength"]


def beyond(kind: dict[str, Any]) -> Iterator[Any]:
    """Yield the first values beyond the limits."""
    whole = kind.get("type") == "integer"
    if whole or kind.get("type") == "number":
        least, most = kind.get("minimum"), kind.get("maximum")
        yield kind["exclusiveMinimum"] if least is None else least - 1 if whole else least - 1e-9
        yield kind["exclusiveMaximum"] if most is None else most + 1 if whole else most * (1 + 1e-9)
    elif kind.get("type") == "array":
        yield [1] * (kind["maxItems"] + 1)
        yield [kind["items"]["maximum"] + 1] * 2


def check(spec: str, given: dict[str, Any]) -> list[tuple[str, str]]:
    """Return where these parameters are refused, with the code of the message."""
    params = SPECS[spec]
    try:
        if issubclass(params, TrainParams):
            resolve_params(RECIPES[spec], None, given)
        else:
            params.model_validate(given)
    except ValidationError as error:
        found = body_errors(error.errors(include_url=False), params, given, prefix=("params",))
        return [(one.pointer, one.message.code) for one in found]
    return []


@pytest.mark.parametrize("spec", SPECS)
def test_a_parameter_at_its_limits_is_taken_or_does_not_go_with_another(spec: str) -> None:
    # Allowed values that the defaults of other parameters forbid.
    apart = {"label_smoothing", "split", "max_width", "width"}
    for name in SPECS[spec].model_fields:
        partners: dict[str, Any] = {"monitor": next(fine(kinds(spec, "monitor")[0]))} if name == "patience" else {}
        for value in (value for kind in kinds(spec, name) for value in fine(kind)):
            refused = check(spec, {name: value, **partners})
            assert not refused or name in apart, (name, value, refused)
            # Told at the parameter to change.
            assert all(pointer == f"/params/{name}" for pointer, _ in refused), (name, value, refused)


@pytest.mark.parametrize("spec", SPECS)
def test_a_parameter_beyond_its_limits_or_of_another_type_is_refused_by_its_name(spec: str) -> None:
    for name in SPECS[spec].model_fields:
        each = kinds(spec, name)
        types = {"string" if {"enum", "const"} & kind.keys() else kind["type"] for kind in each}
        types = {"actions"} if any("propertyNames" in kind for kind in each) else types
        wrong = [value for kind in each for value in beyond(kind)] + list(WRONG[types.pop()])
        assert not types
        for value in wrong:
            refused = check(spec, {name: value})
            assert refused, (name, value)
            assert all(pointer.split("/")[:3] == ["", "params", name] for pointer, _ in refused), (name, value, refused)
            # A text of the library itself has no code of its own: no page could translate it.
            assert all(code != "verbatim" for _, code in refused), (name, value, refused)


@pytest.mark.parametrize("name", RECIPES)
def test_a_budget_of_no_unit_or_of_both_is_refused_at_the_epochs(name: str) -> None:
    assert check(name, {"epochs": None}) == [("/params/epochs", "one_budget")]
    assert check(name, {"epochs": 1, "images": 1}) == [("/params/epochs", "one_budget")]


def test_what_follows_from_an_alert_is_refused_with_the_codes_and_actions_that_there_are() -> None:
    given = {"on_alert": {"critic_reversed": "pause"}}
    assert check("wgan", given) == []
    assert check("dcgan", given) == [("/params/on_alert/critic_reversed", "not_a_choice")]
    assert check("wgan", {"on_alert": {"critic_reversed": "jump"}}) == [
        ("/params/on_alert/critic_reversed", "not_a_choice")
    ]
    with pytest.raises(ValidationError) as refused:
        resolve_params(RECIPES["dcgan"], None, given)
    [error] = body_errors(refused.value.errors(include_url=False), SPECS["dcgan"], given, prefix=("params",))
    for code in ("discriminator_too_strong", "collapse", "gradient_norm"):
        assert code in str(error.message)
