"""Requests that schemathesis derives from the OpenAPI document, as every role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import hypothesis
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup

from models.states import Role
from tests.api.generated import CHECKS, CHECKS_UNCHANGED, aim, generated, right_and_wrong
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from tests.fuzz.campaign import Result

# Refusals that schemathesis does not count as such.
REFUSALS = {413, 414, 415, 431}
STREAM = "follow_all_jobs"  # never ends; tests/fuzz/raw.py reads its beginning
TURNS = (Role.admin, Role.admin, Role.user, Role.user, Role.viewer)


def run(target: Target, cases: int, seed: int, result: Result) -> None:
    """Send requests to each operation but the endless stream."""
    schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json")
    operations = [
        operation["operationId"]
        for methods in target.document["paths"].values()
        for operation in methods.values()
        if operation["operationId"] != STREAM
    ]
    turn = seed * 1000
    while operations and result.cases["documented"] < cases:
        each = max(1, (cases - result.cases["documented"]) // len(operations))
        fertile = []
        for name in operations:
            before = result.cases["documented"]
            _run_one(schema.find_operation_by_id(name), name, each, turn, target, result)
            turn += 1
            # Where there are few different requests, hypothesis stops early, and others get the rest.
            if result.cases["documented"] - before >= each:
                fertile.append(name)
        operations = fertile


def _run_one(chosen: Any, name: str, cases: int, seed: int, target: Target, result: Result) -> None:
    counted = iter(range(10**9))

    @generated(cases, seed)
    @hypothesis.given(case=right_and_wrong(chosen))
    def go(case: Case) -> None:
        turn = next(counted)
        role = TURNS[turn % len(TURNS)]
        changed = aim(case, target.known, turn)
        checks = CHECKS if changed or role is not Role.admin else CHECKS_UNCHANGED
        send(case, name, role, target, result, "documented", checks)

    go()


def send(
    case: Case, name: str, role: Role | None, target: Target, result: Result, part: str, checks: list[Any]
) -> None:
    """Send a request and check its answer against the document."""
    try:
        answer = case.call(headers={} if role is None else target.headers(role), timeout=60)
    except OSError as error:
        result.note(part, 0)
        result.fault(f"{name}: no answer: {type(error).__name__}", _shown(case))
        return
    result.note(part, answer.status_code)
    if not _reached(case, answer.request.url):
        checks = [not_a_server_error]
    elif answer.status_code in REFUSALS:
        checks = CHECKS
    note_faults(case, answer, checks, name, _shown(case), result)


def note_faults(case: Case, answer: Any, checks: list[Any], name: str, request: str, result: Result) -> None:
    """Keep what an answer has that the document does not describe."""
    try:
        case.validate_response(answer, checks=checks)
    except (FailureGroup, AssertionError) as error:
        each = error.exceptions if isinstance(error, FailureGroup) else [error]
        for one in each:
            first = str(one).strip().splitlines() or [type(one).__name__]
            result.fault(f"{name} {answer.status_code}: {' '.join(first[:3])[:300]}", request)


def _reached(case: Case, url: str | None) -> bool:
    """Tell whether the request went to its operation: clients take `.` and `..` out of a path."""
    wanted = re.sub(r"{\w+}", "[^/]+", case.operation.path)
    return re.fullmatch(wanted, urlsplit(url or "").path) is not None


def _shown(case: Case) -> str:
    return ascii(case.as_curl_command())[:1500]
