"""One owner's requests wait for each other, never for those of another owner."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.http.turns import AT_ONCE, Turns

WAIT_S = 60.0
SHORT_S = 0.2


class Crowd:
    """Requests in threads, each of which holds its turn until the crowd is told to end."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.turns = Turns()
        self.end = threading.Event()
        self._pool = pool
        self._inside = threading.Semaphore(0)

    def come(self, owner: str, count: int) -> None:
        for _ in range(count):
            self._pool.submit(self._hold, owner)

    def _hold(self, owner: str) -> None:
        with self.turns.taken(owner):
            self._inside.release()
            self.end.wait(WAIT_S)

    def one_more_is_inside(self, within: float = WAIT_S) -> bool:
        return self._inside.acquire(timeout=within)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        made = Crowd(pool)
        yield made
        made.end.set()


def test_the_requests_of_one_owner_beyond_its_turns_wait(crowd: Crowd) -> None:
    crowd.come("alice", AT_ONCE + 1)
    assert all(crowd.one_more_is_inside() for _ in range(AT_ONCE))
    assert not crowd.one_more_is_inside(SHORT_S)
    crowd.end.set()
    assert crowd.one_more_is_inside()


def test_another_owner_does_not_wait_for_them(crowd: Crowd) -> None:
    crowd.come("alice", 2 * AT_ONCE)
    assert all(crowd.one_more_is_inside() for _ in range(AT_ONCE))
    crowd.come("bob", 1)
    assert crowd.one_more_is_inside()


def test_a_request_that_only_waits_gives_its_turn_to_the_next(crowd: Crowd) -> None:
    crowd.come("alice", AT_ONCE - 1)
    assert all(crowd.one_more_is_inside() for _ in range(AT_ONCE - 1))
    with crowd.turns.taken("alice"):
        crowd.come("alice", 1)
        assert not crowd.one_more_is_inside(SHORT_S)
        with crowd.turns.given_back("alice"):
            assert crowd.one_more_is_inside()
            crowd.end.set()
