"""A trainer that dies for lack of memory, however the libraries of this Python put it, has run out of memory."""

from __future__ import annotations

import queue
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from models import wire
from models.states import DeviceClass, ErrorCode, Outcome
from tests.waiting import until
from worker import endings
from worker.device import Device
from worker.trainer import Exited, Trainer, Unreadable

MB = 10**6


@dataclass(frozen=True)
class Confined(Device):
    """A CPU on which a trainer may hold so many bytes."""

    allowed: int = 0

    @property
    def courtesy(self) -> list[str]:
        return ["prlimit", f"--data={self.allowed}"]


@pytest.fixture
def end():
    """Return a function that runs a trainer with so much memory and tells how its attempt ends."""

    def run(allowed: int, python: Path | None = None, *, at_its_limit: bool = False):
        device = Confined(DeviceClass.cpu, None, "a CPU", 1, allowed=allowed)
        trainer = Trainer(device, None if python is None else str(python))
        heard: queue.SimpleQueue = queue.SimpleQueue()
        work = {"job": "job_1", "attempt": 1, "recipe": "none", "params": {}, "bounds": {}}
        paths = {"checkpoint": Path("x"), "scratch": Path("x"), "cache": Path("x")}
        spec = wire.SampleSpec(**work, **paths, device="cpu", threads=1)
        try:
            trainer.begin(spec, heard.put)
            if at_its_limit:
                until(lambda: trainer.ran_out_of_memory, 60, "a look at the trainer's memory")
            if python is not None:
                trainer.stop()
            while True:
                match heard.get(timeout=90):
                    case wire.Failed() as failed:
                        return endings.failed(failed, trainer.last_lines(15))
                    case Unreadable(detail):
                        return endings.unreadable(detail, trainer.last_lines(15))
                    case Exited(code):
                        short = trainer.ran_out_of_memory
                        lines = trainer.last_lines(15)
                        return endings.exited(code, lines, killed_for_memory=False, ran_out_of_memory=short)
        finally:
            trainer.close()

    return run


@pytest.fixture
def python(tmp_path):
    """Return a function that makes a Python which runs some code in place of the trainers."""

    def make(code: str) -> Path:
        (tmp_path / "code.py").write_text(code)
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\nexec {sys.executable} {tmp_path / 'code.py'}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


# At each of these something else fails first: the loader, OpenBLAS, C++ or Python; which one differs between Pythons.
@pytest.mark.long  # real trainers
@pytest.mark.parametrize("megabytes", [60, 300, 550, 600, 650, 750])
def test_without_memory_for_torch_itself_every_end_is_out_of_memory(end, megabytes):
    ending = end(megabytes * MB)
    assert (ending.outcome, ending.code) == (Outcome.failed, ErrorCode.out_of_memory), ending


# As glibc ends a process that finds no memory for a new thread, in words that nobody knows. It dies when asked to stop.
DIES = """
import json, os, sys
held = bytearray(HELD << 20)
print(json.dumps({"type": "ready", "torch": "2", "python": "3", "pid": os.getpid()}), flush=True)
sys.stdin.readline()
sys.stdin.readline()
sys.stderr.write("no room here\\n")
sys.stderr.flush()
END
"""


@pytest.mark.parametrize("last", ["os._exit(127)", "os.abort()"])
def test_a_trainer_that_dies_at_its_limit_ran_out_of_memory_whatever_it_says(end, python, last):
    ending = end(1000 << 20, python(DIES.replace("HELD", "950").replace("END", last)), at_its_limit=True)
    assert (ending.outcome, ending.code) == (Outcome.failed, ErrorCode.out_of_memory), ending


def test_a_trainer_that_dies_far_from_its_limit_did_not_run_out_of_memory(end, python):
    dies = DIES.replace("HELD", "1")
    exits = end(2000 << 20, python(dies.replace("END", "os._exit(127)")))
    assert (exits.outcome, exits.code) == (Outcome.failed, ErrorCode.internal), exits
    assert "exited with code 127" in str(exits.detail)
    aborts = end(2000 << 20, python(dies.replace("END", "os.abort()")))
    assert (aborts.outcome, str(aborts.reason)) == (Outcome.crashed, "trainer ended by SIGABRT"), aborts


def test_what_the_log_says_is_the_last_hint(end, python):
    says = DIES.replace("HELD", "1").replace("no room here", "cannot allocate memory for thread-local data: ABORT")
    ending = end(2000 << 20, python(says.replace("END", "os._exit(127)")))
    assert (ending.outcome, ending.code) == (Outcome.failed, ErrorCode.out_of_memory), ending


def test_a_trainer_that_somebody_kills_has_crashed_though_its_log_speaks_of_memory(end, python):
    says = DIES.replace("HELD", "1").replace("no room here", "CUDA out of memory; going on with half the batch")
    ending = end(2000 << 20, python(says.replace("END", "os.kill(os.getpid(), 9)")))
    assert (ending.outcome, str(ending.reason)) == (Outcome.crashed, "trainer ended by SIGKILL"), ending


def test_a_line_that_is_no_message_ends_the_attempt_with_the_reason(end, python):
    line = '{"type": "metric", "steps": []}'
    ending = end(
        2000 << 20, python(f"import sys\nprint('stray')\nprint('{line}')\nsys.stdout.flush()\nsys.stdin.read()")
    )
    assert (ending.outcome, ending.code) == (Outcome.failed, ErrorCode.internal), ending
    assert "the message lacks the field 'epoch'" in str(ending.detail)
    assert f"stray\n{line}" in str(ending.detail)


def test_a_line_that_was_cut_off_by_the_end_is_no_message(end, python):
    ending = end(2000 << 20, python('import os\nos.write(1, b\'{"type": "met\')\nos.kill(os.getpid(), 9)'))
    assert (ending.outcome, str(ending.reason)) == (Outcome.crashed, "trainer ended by SIGKILL"), ending
