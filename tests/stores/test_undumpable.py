"""Secrets of a process stay unread by others of the same user."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.peeking import LIKE_A_USER, readable

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's flag is Linux's")

HIDE = "from stores.infra.undumpable import hide_secrets; hide_secrets()"


@contextmanager
def started(*lines: str) -> Iterator[int]:
    """Run a program that waits at its end; yield the process id that it prints last."""
    program = "; ".join(lines)
    command = [*LIKE_A_USER, sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield int(process.stdout.readline())
        process.stdin.write("\n\n")  # one for the program, one for what it forked or started
        process.stdin.close()


def test_a_process_that_hides_its_secrets_is_unreadable_to_others_of_its_user() -> None:
    with started("import os", "print(os.getpid(), flush=True)", "input()") as open_to_all:
        assert readable(open_to_all) == ["environ", "mem"]
    with started(HIDE, "import os", "print(os.getpid(), flush=True)", "input()") as hidden:
        assert readable(hidden) == []


def test_what_it_forks_stays_hidden_and_what_it_executes_is_readable_again() -> None:
    fork = "pid = os.fork(); pid or os._exit(len(os.read(0, 1)) - 1); print(pid, flush=True)"
    with started(HIDE, "import os", fork, "os.waitpid(pid, 0)") as forked:
        assert readable(forked) == []
    child = "child = subprocess.Popen([sys.executable, '-c', 'input()'])"
    with started(HIDE, "import subprocess, sys", child, "print(child.pid, flush=True)", "child.wait()") as executed:
        assert readable(executed) == ["environ", "mem"]
