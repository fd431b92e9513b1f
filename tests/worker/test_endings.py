"""What becomes of a job when its trainer says why it cannot go on."""

from __future__ import annotations

import pytest

from models import wire
from models.messages import Failures
from models.states import ErrorCode, Outcome
from models.wire import text_of
from worker import endings

WORKERS_FAULT = [
    (Failures.no_space(words="no room"), "no_space", "the worker's disk is full"),
    (Failures.no_units(times="0.25"), "no_units", "the worker's processor has no bfloat16 units"),
]


@pytest.mark.parametrize(("message", "code", "reason"), WORKERS_FAULT)
def test_what_another_worker_may_have_ends_the_attempt_and_not_the_job(message, code, reason):
    ending = endings.failed(wire.Failed(code, str(message), text_of(message)), ["a line of its log"])
    assert (ending.outcome, ending.code) == (Outcome.crashed, ErrorCode.internal)
    assert str(ending.reason).startswith(reason)
    assert str(ending.detail) == str(message)


def test_what_is_the_jobs_fault_ends_the_job_with_its_code():
    message = Failures.out_of_memory(words="tried to allocate")
    ending = endings.failed(wire.Failed("out_of_memory", str(message), text_of(message)), [])
    assert (ending.outcome, ending.code, ending.reason) == (Outcome.failed, ErrorCode.out_of_memory, None)
