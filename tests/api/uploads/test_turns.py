"""Turns of owners in packing."""

from __future__ import annotations

import threading

import pytest

from api.http.problems import ProblemError
from api.uploads.turns import PackingTurns
from tests.waiting import until


class Queue:
    """Uploads that wait for their turns, each in a thread, and end when the test says so."""

    def __init__(self, turns: PackingTurns) -> None:
        self.turns = turns
        self.started: list[str] = []
        self._end = {}
        self._threads: list[threading.Thread] = []

    def come(self, name: str) -> None:
        """Let an upload come; its owner is its first letter."""
        self._end[name] = threading.Event()
        waiting = len(self.turns._waiting)
        started = len(self.started)

        def pack() -> None:
            with self.turns.turn(name[0], 60):
                self.started.append(name)
                self._end[name].wait(60)

        self._threads.append(threading.Thread(target=pack))
        self._threads[-1].start()
        until(lambda: len(self.turns._waiting) > waiting or len(self.started) > started, 60, f"{name} in the line")

    def end(self, name: str, then: str | None) -> None:
        """End an upload's turn; wait for the one whose turn comes."""
        self._end[name].set()
        if then is not None:
            until(lambda: then in self.started, 60, f"the turn of {then}; started: {self.started}")

    def join(self) -> None:
        """Wait for the end of all."""
        for event in self._end.values():
            event.set()
        for thread in self._threads:
            thread.join(60)


def test_one_owner_takes_one_place_and_a_newcomer_finds_one_free() -> None:
    queue = Queue(PackingTurns(2, 1))
    for name in ("a1", "a2", "a3", "b1"):
        queue.come(name)
    until(lambda: queue.started == ["a1", "b1"], what="the turn of b1")  # which stands in the line for a moment
    queue.join()
    assert sorted(queue.started) == ["a1", "a2", "a3", "b1"]


def test_each_waiting_owner_gets_a_turn_before_any_owner_gets_another() -> None:
    queue = Queue(PackingTurns(1, 1))
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        queue.come(name)
    for name, then in (("a1", "b1"), ("b1", "c1"), ("c1", "a2")):
        queue.end(name, then)
    queue.come("d1")  # whoever comes later does not wait for what others had before, nor pass them for long
    for name, then in (("a2", "b2"), ("b2", "d1"), ("d1", "a3")):
        queue.end(name, then)
    queue.join()
    assert queue.started == ["a1", "b1", "c1", "a2", "b2", "d1", "a3"]


def test_who_waits_too_long_or_has_left_gives_the_place_in_the_line_up() -> None:
    turns = PackingTurns(1, 1)
    with turns.turn("alice", 0):
        with pytest.raises(ProblemError, match="other uploads are in progress"), turns.turn("bob", 0.05):
            pass
        with pytest.raises(ProblemError, match="broke off"), turns.turn("bob", 20, lambda: True):
            pass
    with turns.turn("bob", 0):
        pass
    assert not turns._waiting
