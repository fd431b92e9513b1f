"""How an attempt ends: the outcome, the error's code and the texts, for everything that can end one."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence
from enum import StrEnum

from models import memory, wire
from models.states import ErrorCode, Outcome
from stores.jobs.transitions import Ending

# errno of a full disk, of a quota that is used up, and of a file as large as files may be.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Signals by which a process ends itself, when a library finds no memory or something else that it cannot go on with.
OWN_SIGNALS = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP}


class Request(StrEnum):
    """What the supervisor was asked to do with a running attempt."""

    cancel = "cancel"
    pause = "pause"
    shutdown = "shutdown"


AS_REQUESTED = {
    Request.cancel: Ending(Outcome.canceled, "canceled by request"),
    Request.pause: Ending(Outcome.paused, "paused by request"),
    Request.shutdown: Ending(Outcome.interrupted, "worker shut down; another attempt goes on from the checkpoint"),
}
# Somebody else sent the trainer a signal. It has written its checkpoint: nothing died.
TOLD_TO_STOP = Ending(Outcome.interrupted, "the trainer was told to stop; another attempt goes on")


def max_runtime(limit: int) -> Ending:
    """End a job that has run as long as it may."""
    detail = f"stopped with a checkpoint after {limit} s of running (max_runtime_s)"
    return Ending(Outcome.failed, None, ErrorCode.max_runtime, detail)


def failed(message: wire.Failed, log: Sequence[str]) -> Ending:
    """End an attempt whose trainer said why it cannot go on."""
    if message.code == "no_space":
        return disk_full(message.detail)
    code = ErrorCode(message.code)
    detail = with_log(message.detail, log) if code is ErrorCode.internal else message.detail
    return Ending(Outcome.failed, None, code, detail)


def exited(status: int, log: Sequence[str], *, killed_for_memory: bool, ran_out_of_memory: bool) -> Ending:
    """End an attempt whose trainer ended without a last message. `status` is its exit code, or minus its signal.

    Facts decide first whether memory ran out: the kernel counts the processes that it kills (`killed_for_memory`), and
    the trainer may have stood at its limit (`ran_out_of_memory`). What its log says is the last hint.
    """
    if -status == signal.SIGKILL and killed_for_memory:
        detail = "the machine ran out of memory and the kernel ended the trainer; lower batch_size or width"
        return Ending(Outcome.failed, None, ErrorCode.out_of_memory, with_log(detail, log))
    by_itself = status >= 0 or -status in OWN_SIGNALS
    if by_itself and (ran_out_of_memory or any(map(memory.says_no_memory, log))):
        detail = "the trainer found no memory and gave up; lower batch_size or width"
        return Ending(Outcome.failed, None, ErrorCode.out_of_memory, with_log(detail, log))
    if status >= 0:
        detail = f"the trainer exited with code {status} before its work was done"
        return Ending(Outcome.failed, None, ErrorCode.internal, with_log(detail, log))
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
    detail = with_log(f"the trainer was ended by {name}", log)
    return Ending(Outcome.crashed, f"trainer ended by {name}", ErrorCode.internal, detail)


def unreadable(detail: str, log: Sequence[str]) -> Ending:
    """End an attempt whose trainer wrote a line that is none of its messages."""
    words = f"the trainer's message could not be understood: {detail}"
    return Ending(Outcome.failed, None, ErrorCode.internal, with_log(words, log))


def not_stored(error: BaseException) -> Ending:
    """End an attempt whose artifacts cannot be kept."""
    return Ending(Outcome.failed, None, ErrorCode.internal, f"an artifact could not be stored: {error}")


def disk_full(detail: str) -> Ending:
    """End an attempt that found no room on the worker's disk. Another one may, so the job is tried again."""
    return Ending(Outcome.crashed, "the worker's disk is full", ErrorCode.internal, detail)


def broken(error: Exception) -> Ending:
    """End an attempt whose supervisor met an error that nobody foresaw."""
    detail = f"the worker met {type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(detail)
    return Ending(Outcome.failed, None, ErrorCode.internal, detail)


def with_log(detail: str, log: Sequence[str]) -> str:
    """Return an error's detail with the last lines of the trainer's log."""
    return "\n".join([detail, *(["last log lines:", *log] if log else [])])
