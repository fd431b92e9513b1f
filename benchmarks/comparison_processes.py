"""Starts the sides of a comparison, each as a process of its own, and lets them work in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from worker.device import KEEP_FREED_MEMORY


class Side:
    """A process that works when it is told to; its settings leak into no other."""

    def __init__(self, *arguments: str) -> None:
        # Whoever measures must not decide how threads wait: the trainer sets it for itself, the sources do not. Its
        # allocator is set by the supervisor that starts it.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("GOMP_", "OMP_"))}
        if arguments[0] in ("ours", "profile"):
            environment.update(KEEP_FREED_MEMORY)
        self.name = " ".join(arguments)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.comparison_side", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def round(self, seconds: float) -> dict[str, Any]:
        """Let it work for so long; return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{seconds}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise SystemExit(f"{self.name} ended with {self._process.wait()}; see its output above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> dict[str, Any]:
        """Let it end; return its last line, if it had any."""
        out, _ = self._process.communicate()
        lines = out.splitlines()
        return json.loads(lines[-1]) if lines else {}

    def kill(self) -> None:
        """End it, whatever it does; nothing happens if it ended before."""
        self._process.kill()
        self._process.wait()


@contextmanager
def sides(wanted: Sequence[Sequence[str]]) -> Iterator[list[Side]]:
    """Start a process for each list of arguments; none is left behind."""
    with ExitStack() as stack:
        started = []
        for arguments in wanted:
            started.append(Side(*arguments))
            stack.callback(started[-1].kill)
        yield started


def in_turn(started: Sequence[Side], rounds: int, seconds: float, warm_up: float) -> list[list[dict[str, Any]]]:
    """Warm each side up, then give each its turn, A B A B …; return the rounds of each side."""
    for side in started:
        side.round(warm_up)
    answers: list[list[dict[str, Any]]] = [[] for _ in started]
    for _ in range(rounds):
        for side, mine in zip(started, answers, strict=True):
            mine.append(side.round(seconds))
    return answers
