"""Requests that schemathesis and hypothesis derive from the OpenAPI document, and the checks of their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import TRAIN

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Of a request that was left as it was made: a wrong one must be refused. That a right one is accepted can't be asked,
# because which cursors and data sets there are stands in no schema.
CHECKS_UNCHANGED = [*CHECKS, negative_data_rejection]


def generated(examples: int, seed: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: run a function with this many generated arguments, the same for the same seed."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        configured = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        return hypothesis.seed(seed)(configured(function))

    return decorate


def right_and_wrong(operation: Any) -> SearchStrategy[Case]:
    """Return requests to an operation: some as its schema says, some not."""
    wrong: SearchStrategy[Case] = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return operation.as_strategy() | wrong  # type: ignore[no-any-return]


def aim(case: Case, known: dict[str, list[str]], turn: int) -> bool:
    """Let most requests hit something that is there, and bodies name things that are. Tells whether it changed any."""
    if turn % 4 == 0:
        return False
    for name in list(case.path_parameters or {}):
        if name in known:
            case.path_parameters[name] = known[name][turn % len(known[name])]
    if isinstance(case.body, dict) and turn % 2:
        case.body.update({name: value for name, value in TRAIN.items() if name in case.body and name != "params"})
    return True
