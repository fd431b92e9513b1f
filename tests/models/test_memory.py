"""How close a real process is to the limits of its memory, and what only sounds like a lack of it."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models import memory

ROOT = Path(__file__).parents[2]
MIB = 1 << 20


@contextmanager
def holding(mib: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that holds so much, says so, and waits to be asked what it thinks of its own memory."""
    code = (
        "import sys\nfrom models import memory\n"
        f"held = bytearray({mib} << 20)\nprint('held', flush=True)\nsys.stdin.read(1)\nprint(memory.exhausted())"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, cwd=ROOT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_process_without_limits_has_no_room_to_tell_of():
    with holding(1) as process:
        assert memory.room(process.pid) is None
        assert memory.exhausted(process.pid) is False


@pytest.mark.parametrize("kind", [resource.RLIMIT_DATA, resource.RLIMIT_AS])
def test_the_room_of_a_process_is_what_its_limit_leaves(kind):
    with holding(300) as process:
        resource.prlimit(process.pid, kind, (2000 * MIB, 2000 * MIB))
        room = memory.room(process.pid)
    assert room is not None
    assert room.allowed == 2000 * MIB
    assert 1000 * MIB < room.left < 1700 * MIB


def test_the_tightest_of_two_limits_counts():
    with holding(1) as process:
        resource.prlimit(process.pid, resource.RLIMIT_AS, (8000 * MIB, 8000 * MIB))
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (500 * MIB, 500 * MIB))
        room = memory.room(process.pid)
    assert room is not None
    assert room.allowed == 500 * MIB


@pytest.mark.parametrize(("allowed", "exhausted"), [(340, True), (800, False)])
def test_a_process_close_to_its_limit_is_exhausted_for_itself_and_for_others(allowed, exhausted):
    with holding(300) as process:
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (allowed * MIB, allowed * MIB))
        assert memory.exhausted(process.pid) is exhausted
        told, _ = process.communicate(b"?")
    assert told.decode().strip() == str(exhausted)


def test_a_process_that_has_ended_has_no_room_to_tell_of():
    with holding(1) as process:
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (500 * MIB, 500 * MIB))
        process.kill()
        # Not waited for yet: a zombie has limits and no memory.
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert memory.room(process.pid) is None
        process.wait()
        assert memory.room(process.pid) is None


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 GiB", True),
        ("cannot allocate memory for thread-local data: ABORT", True),
        ("libtorch_python.so: cannot map zero-fill pages", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
def test_what_libraries_say_is_a_hint(text, sounds):
    assert memory.says_no_memory(text) is sounds
