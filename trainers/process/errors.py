"""How a trainer fails: each error has the code that the job will carry, and says what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.wire import FailureCode


class TrainerError(Exception):
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


# What the allocators of torch, oneDNN, cuBLAS, cuDNN and libstdc++ say; only CUDA's has a type of its own.
_MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "bad_alloc",
    "could not create a memory object",
    # oneDNN says no more when it finds no room for its code or its scratch; our shapes it can do.
    "could not create a primitive",
    "could not execute a primitive",
    "alloc_failed",
    "not enough memory",
    # Importing torch itself, on a device with hardly any: the loader's words, and those of threads without a stack.
    "failed to map segment",
    "can't start new thread",
)

_LOWER = "lower `batch_size` or `width`, or use a queue whose devices have more memory"


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an allocator has found no memory."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(word in words for word in _MEMORY_WORDS)


# What the system calls it, whoever wraps the words: no room, over the quota, over the size that a file may have.
_SPACE_WORDS = ("no space left on device", "disk quota exceeded", "file too large")
NO_SPACE: FailureCode = "no_space"


def no_space(error: BaseException) -> bool:
    """Tell whether the disk was full."""
    words = str(error).lower()
    return isinstance(error, OSError) and any(word in words for word in _SPACE_WORDS)


def as_failure(error: BaseException) -> tuple[FailureCode, str]:
    """Return the code and the words for any exception that ended an attempt."""
    if isinstance(error, TrainerError):
        return error.code, str(error)
    words = " ".join(str(error).split())
    if out_of_memory(error):
        return OutOfMemoryError.code, f"the device ran out of memory: {_LOWER} ({words[:200] or type(error).__name__})"
    if no_space(error):
        return NO_SPACE, f"the scratch folder has no room left: free some on the worker's disk ({words[:200]})"
    return TrainerError.code, f"{type(error).__name__}: {words[:300]}"
