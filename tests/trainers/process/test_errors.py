"""Every way to fail has a code for programs and words for people."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest
import torch

import trainers.device.devices  # noqa: F401 - makes CUDA's own type of error known
from tests.trainers.attempts import ROOT, Attempt
from trainers.process.errors import as_failure


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"recipe": "vae"}, "internal", "does not know the recipe 'vae'; it has began, compact"),
        ({"device": "tpu"}, "internal", "must be cpu or cuda"),
        ({"seed": "x"}, "internal", "the spec cannot be read"),
        ({"kind": "paint"}, "internal", "it must be train or sample"),
        ({"params": None}, "internal", "NoneType"),
        ({"dataset": {"name": "x"}}, "internal", "the spec lacks the field 'source'"),
        ({"data_roots": []}, "invalid_dataset", "is in none of the data roots"),
        ({"resume": "/nowhere/x.safetensors"}, "checkpoint_corrupt", "x.safetensors cannot be read"),
    ],
)
def test_whatever_goes_wrong_is_told_with_its_code(make_spec, change, code, words):
    with pytest.raises(Exception) as raised:
        Attempt.run(json.dumps({**make_spec(), **change}))
    told, detail = as_failure(raised.value)
    assert told == code
    assert words in str(detail)


def test_a_line_that_is_no_json_is_told():
    with pytest.raises(Exception, match="the spec cannot be read"):
        Attempt.run("hello")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"),
    ],
)
def test_every_allocator_is_understood(error):
    code, detail = as_failure(error)
    assert code == "out_of_memory"
    assert "lower `batch_size` or `width`" in str(detail)


def _raised(cause, outer):
    try:
        raise outer from cause
    except Exception as error:
        return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOMEM, "no"), "out_of_memory"),
        (_raised(MemoryError(), RuntimeError("a worker thread failed")), "out_of_memory"),
        (torch.cuda.OutOfMemoryError("no"), "out_of_memory"),
        (_raised(OSError(errno.ENOSPC, "no"), RuntimeError("the picture was not written")), "no_space"),
        (RuntimeError("a worker thread failed"), "internal"),
    ],
)
def test_types_and_numbers_decide_whatever_the_words(error, code):
    assert as_failure(error)[0] == code


# As Python says it when an allocation fails between two of its own checks, and a file that a decompressor gave up on.
STRANGE = "SystemError('error return without exception set')"
UNREAD = "caused(InvalidDatasetError(verbatim('x is damaged')), zlib.error('Error -4 while decompressing data'))"
UNLOADED = "caused(CheckpointCorruptError(verbatim('x cannot be read')), ValueError('the file ends early'))"
# What was read, and is of the wrong kind, stays so however little memory there is.
READ = "InvalidDatasetError(verbatim('x has no classes'))"


@pytest.mark.parametrize(
    ("error", "room_mib", "code"),
    [
        (STRANGE, 40, "out_of_memory"),
        (STRANGE, 400, "internal"),
        (UNREAD, 40, "out_of_memory"),
        (UNREAD, 400, "invalid_dataset"),
        (UNLOADED, 40, "out_of_memory"),
        (UNLOADED, 400, "checkpoint_corrupt"),
        (READ, 40, "invalid_dataset"),
    ],
)
def test_an_error_of_a_process_at_its_limit_is_a_lack_of_memory(error, room_mib, code):
    script = (
        "import resource, zlib\n"
        "from models import memory\n"
        "from models.messages import verbatim\n"
        "from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError, as_failure\n"
        "def caused(error, cause):\n"
        "    error.__cause__ = cause\n"
        "    return error\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30))\n"
        "held = memory.room().allowed - memory.room().left\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, (held + ({room_mib} << 20),) * 2)\n"
        f"print(as_failure({error})[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == code
