"""How an attempt ends: the outcome, the error's code and the texts, for everything that can end one."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence
from enum import StrEnum

from models import memory, wire
from models.messages import Ends, Message, MessageError, Reasons, Words
from models.states import ErrorCode, JobKind, Outcome
from stores.jobs.transitions import Ending, Explanation
from worker.stalls import Stall

# errno of a full disk, of an exhausted quota, and of a file of the maximum size.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Lines of the stacks of a stalled trainer that its error shows; the innermost calls of each thread come first.
STACK_LINES = 60
# Signals by which a process ends itself, for example when a library finds no memory.
OWN_SIGNALS = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP}


class Request(StrEnum):
    """What the supervisor was asked to do with a running attempt."""

    cancel = "cancel"
    pause = "pause"
    shutdown = "shutdown"


AS_REQUESTED = {
    Request.cancel: Ending(Outcome.canceled, Reasons.canceled_by_request()),
    Request.pause: Ending(Outcome.paused, Reasons.paused_by_request()),
    Request.shutdown: Ending(Outcome.interrupted, Reasons.worker_shut_down()),
}
# A signal from outside stopped the trainer. It wrote its checkpoint, so the attempt counts as interrupted.
TOLD_TO_STOP = Ending(Outcome.interrupted, Reasons.told_to_stop())


def paused_by_alarm(alarm: str) -> Ending:
    """Pause a job because of an alarm, as its `on_alert` says."""
    return Ending(Outcome.paused, Reasons.paused_by_alarm(alarm=alarm), alarm=alarm)


def max_runtime(limit: int, kind: JobKind) -> Ending:
    """End a job that reached its maximum run time. Only a training has a checkpoint to go on from."""
    message = Ends.max_runtime if kind is JobKind.train else Ends.max_runtime_from_zero
    return Ending(Outcome.failed, None, ErrorCode.max_runtime, message(limit=limit))


def failed(message: wire.Failed, log: Sequence[str]) -> Ending:
    """End an attempt whose trainer said why it cannot go on."""
    detail = received(message.detail, message.text)
    if message.code == "no_space":
        return disk_full(detail)
    if message.code == "no_units":
        # Another worker may have them, so the job is retried.
        return Ending(Outcome.crashed, Reasons.lacks_units(), ErrorCode.internal, detail)
    code = ErrorCode(message.code)
    return Ending(Outcome.failed, None, code, with_log(detail, log) if code is ErrorCode.internal else detail)


def exited(status: int, log: Sequence[str], *, killed_for_memory: bool, ran_out_of_memory: bool) -> Ending:
    """End an attempt whose trainer ended without a last message. `status` is its exit code, or minus its signal.

    Facts decide first whether memory ran out: the kernel counts the processes that it kills (`killed_for_memory`), and
    the trainer may have been at its limit (`ran_out_of_memory`). The text of its log is the last hint.
    """
    if -status == signal.SIGKILL and killed_for_memory:
        return Ending(Outcome.failed, None, ErrorCode.out_of_memory, with_log(Ends.killed_for_memory(), log))
    by_itself = status >= 0 or -status in OWN_SIGNALS
    if by_itself and (ran_out_of_memory or any(map(memory.says_no_memory, log))):
        return Ending(Outcome.failed, None, ErrorCode.out_of_memory, with_log(Ends.no_memory_at_all(), log))
    if status >= 0:
        return Ending(Outcome.failed, None, ErrorCode.internal, with_log(Ends.exited(exit_code=status), log))
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    detail = with_log(Ends.ended_by(signal=name), log)
    return Ending(Outcome.crashed, Reasons.trainer_ended_by(signal=name), ErrorCode.internal, detail)


def stalled(stall: Stall, state: Message, stacks: Sequence[str]) -> Ending:
    """End an attempt whose trainer made no progress: `state` is that of its process, `stacks` what its threads did.

    Another attempt may do better, on this worker or another, so the job is retried.
    """
    reason = Reasons.trainer_stalled(seconds=round(stall.seconds), phase=stall.doing)
    detail = (
        Ends.stacks(what=reason, stacks="\n".join(stacks[-STACK_LINES:]))
        if stacks
        else Ends.no_stacks(what=reason, state=state)
    )
    return Ending(Outcome.stalled, reason, ErrorCode.stalled, detail)


def unreadable(detail: str, log: Sequence[str]) -> Ending:
    """End an attempt whose trainer wrote a line that is not a valid message."""
    return Ending(Outcome.failed, None, ErrorCode.internal, with_log(Ends.unreadable(error=detail), log))


def not_stored(error: BaseException) -> Ending:
    """End an attempt whose artifacts cannot be stored."""
    return Ending(Outcome.failed, None, ErrorCode.internal, Ends.artifact_not_stored(error=said_by(error)))


def disk_full(detail: Explanation) -> Ending:
    """End an attempt that found the worker's disk full. Another worker may have room, so the job is retried."""
    return Ending(Outcome.crashed, Reasons.disk_full(), ErrorCode.internal, detail)


def broken(error: Exception) -> Ending:
    """End an attempt whose supervisor met an unexpected error."""
    detail = Ends.worker_met(kind=type(error).__name__, error=said_by(error))
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(detail)
    return Ending(Outcome.failed, None, ErrorCode.internal, detail)


def with_log(detail: Explanation, log: Sequence[str]) -> Explanation:
    """Return an error's detail with the last lines of the trainer's log."""
    return Words.with_log(what=detail, log="\n".join(log)) if log else detail


def received(english: str, text: wire.Text | None) -> Message | str:
    """Return a trainer's message; its English text when this version does not know its code."""
    return english if text is None else Message.of(vars(text)) or english


def said_by(error: BaseException) -> Message | str:
    """Return the message of an error; its text where it is not one of our errors."""
    return error.message if isinstance(error, MessageError) else str(error)
