"""How a trainer fails: each error has the code that the job will carry, and says what to change."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Iterator

from models import memory
from models.messages import Failures, Message, MessageError

if TYPE_CHECKING:
    from models.wire import FailureCode


class TrainerError(MessageError):
    """The attempt cannot go on."""

    code: FailureCode = "internal"


class InvalidDatasetError(TrainerError):
    """The data set cannot be read, or does not fit the job."""

    code = "invalid_dataset"


class OutOfMemoryError(TrainerError):
    """The device has too little memory for the job."""

    code = "out_of_memory"


class DivergedError(TrainerError):
    """Losses or weights became not-a-number a second time."""

    code = "diverged"


class CheckpointCorruptError(TrainerError):
    """The checkpoint is damaged, or belongs to other networks."""

    code = "checkpoint_corrupt"


class NoUnitsError(TrainerError):
    """The processor lacks the units for bfloat16 that the job began with."""

    code = "no_units"


# CUDA's own type is added by trainers/device/devices.py: this module is needed before torch is there.
MEMORY_ERRORS: list[type[BaseException]] = [MemoryError]
# errno of a full disk, of a quota that is used up, and of a file as large as files may be.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What some libraries say instead of passing the errno on.
_FULL_PHRASES = ("no space left on device", "disk quota exceeded", "file too large")
NO_SPACE: FailureCode = "no_space"


def out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out: by the error's type, then by the limits of this process, last by its words."""
    if any(_is_memory_error(one) for one in _chain(error)):
        return True
    if any(_is_full_disk(one) for one in _chain(error)):
        return False
    return memory.exhausted() or memory.says_no_memory(str(error))


def no_space(error: BaseException) -> bool:
    """Tell whether the disk was full: by the error's number, last by its words."""
    if any(_is_full_disk(one) for one in _chain(error)):
        return True
    words = str(error).lower()
    return isinstance(error, OSError) and any(phrase in words for phrase in _FULL_PHRASES)


def as_failure(error: BaseException) -> tuple[FailureCode, Message]:
    """Return the code and the message for any exception that ended an attempt."""
    if isinstance(error, TrainerError) and not _lacked_memory_to_read(error):
        return error.code, error.message
    words = " ".join(str(error).split())
    if out_of_memory(error):
        return OutOfMemoryError.code, Failures.out_of_memory(words=words[:200] or type(error).__name__)
    if no_space(error):
        return NO_SPACE, Failures.no_space(words=words[:200])
    return TrainerError.code, Failures.crashed(kind=type(error).__name__, words=words[:300])


def _lacked_memory_to_read(error: TrainerError) -> bool:
    """Tell whether a file only seemed damaged, because a library failed for lack of memory while reading it."""
    *_, first = _chain(error)
    # An error of this project comes first where a file was read, and found to be of the wrong kind.
    if not isinstance(error, (InvalidDatasetError, CheckpointCorruptError)) or isinstance(first, MessageError):
        return False
    return any(map(_is_memory_error, _chain(error))) or memory.exhausted()


def _is_memory_error(error: BaseException) -> bool:
    numbered = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return numbered or isinstance(error, tuple(MEMORY_ERRORS))


def _is_full_disk(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _FULL


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
