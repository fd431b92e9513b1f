"""New connections: so many a second of one address are served; others wait, and none of another address does."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from api.serving.arrivals import AT_ONCE_S, MOST_ADDRESSES, MOST_WAIT_S, Arrivals
from tests.api.server import Server
from tests.api.serving.conftest import Answer, read_answer

LIMIT = 5
HELLO = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def waits(arrivals: Arrivals, count: int, now: float, address: str = "a") -> list[float]:
    return [round(arrivals.wait_s(address, now), 3) for _ in range(count)]


def test_some_come_at_once_and_the_rest_evenly() -> None:
    arrivals = Arrivals(50)
    assert waits(arrivals, 13, 100.0) == [0.0] * 10 + [0.02, 0.04, 0.06]
    assert waits(arrivals, 1, 100.0, "b") == [0.0]
    assert waits(arrivals, 2, 100.24) == [0.0, 0.0]


def test_the_line_is_bounded_and_moves_on_when_some_are_refused() -> None:
    arrivals = Arrivals(LIMIT)
    served = round((AT_ONCE_S + MOST_WAIT_S) * LIMIT)
    taken = sum(arrivals.wait_s("a", 100.0) <= MOST_WAIT_S for _ in range(served + 50))
    assert served - 1 <= taken <= served  # the last one has its place on the very border
    assert arrivals.wait_s("a", 100.0 + MOST_WAIT_S) < 2.5 / LIMIT


def test_quiet_addresses_are_forgotten() -> None:
    arrivals = Arrivals(LIMIT)
    for n in range(MOST_ADDRESSES):
        arrivals.wait_s(str(n), 100.0)
    assert waits(arrivals, 2, 200.0, "new") == [0.0, 0.2]
    assert len(arrivals._last) == 1
    assert waits(arrivals, 1, 200.0, "new") == [0.4]


def test_a_crowd_of_one_address_waits_and_is_refused_beyond_and_another_address_is_served_at_once(
    start: Callable[..., Server],
) -> None:
    server = start(GANFORGE_NEW_CONNECTIONS_PER_ADDRESS=str(LIMIT), GANFORGE_HEAD_S="60")

    def ask(address: str) -> tuple[Answer, float]:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), 60, (address, 0)) as sock:
            sock.sendall(HELLO)
            return read_answer(sock), time.monotonic() - began

    crowd = 10 * LIMIT
    alone = [ask("127.0.0.2") for _ in range(crowd)]
    assert median(seconds for _, seconds in alone) < MOST_WAIT_S / 2
    other = socket.create_connection(("127.0.0.1", server.port), 60)
    with other, ThreadPoolExecutor(crowd) as pool:
        asked = [pool.submit(ask, "127.0.0.2") for _ in range(crowd)]
        innocent = [ask("127.0.0.1") for _ in range(LIMIT)]
        answers = [one.result() for one in asked]
    assert [answer.status for answer, _ in innocent] == [200] * LIMIT
    # In the crowd's line each of them would wait.
    assert median(seconds for _, seconds in innocent) < MOST_WAIT_S / 2
    refused = [answer for answer, _ in answers if answer.status == 429]
    assert len(answers) - len(refused) >= round(MOST_WAIT_S * LIMIT)
    assert len(refused) >= LIMIT
    assert {answer.problem["code"] for answer in refused} == {"rate_limited"}
    assert f"more than {LIMIT} connections a second" in refused[0].problem["detail"]
    assert max(seconds for _, seconds in answers) > MOST_WAIT_S / 2
