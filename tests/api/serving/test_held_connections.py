"""Clients that hold connections: half-open ones, slow ones, too many. Others are served meanwhile."""

from __future__ import annotations

import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from tests.api.conftest import Person
from tests.api.server import Server, stream
from tests.api.serving.conftest import CAP, Answer, Talk, read_answer
from tests.waiting import until

HALF = b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Half: "
PATIENCE_S = 40
CLOSE = b"Host: x\r\nConnection: close\r\n"


@contextmanager
def held(server: Server, count: int, content: bytes) -> Iterator[list[socket.socket]]:
    """Open connections, send the same on each, and keep them."""
    with ExitStack() as kept:
        sockets = [kept.enter_context(socket.create_connection(("127.0.0.1", server.port), 60)) for _ in range(count)]
        for one in sockets:
            one.sendall(content)
        yield sockets


def post(who: Person) -> str:
    """Return the head of a submission without its end."""
    return f"POST /v1/jobs HTTP/1.1\r\nAuthorization: Bearer {who.key}\r\nContent-Type: application/json\r\n"


def drip(sock: socket.socket, byte: bytes) -> tuple[Answer, float]:
    """Send a byte each time when nothing comes for 0.2 s. Return the answer, and after how many seconds it began."""
    began = time.monotonic()
    sock.settimeout(0.2)
    while True:
        with suppress(TimeoutError):
            sock.recv(1, socket.MSG_PEEK)
            break
        sock.sendall(byte)
    seconds = time.monotonic() - began
    sock.settimeout(60)
    return read_answer(sock), seconds


def closed(sock: socket.socket) -> bool:
    """Tell whether the server has closed this connection."""
    sock.setblocking(False)
    try:
        while sock.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    finally:
        sock.setblocking(True)


@pytest.fixture(scope="module")
def patient(start: Callable[..., Server]) -> Server:
    """Return a server that waits long for slow clients, so that they end only when they give way."""
    return start(GANFORGE_HEAD_S=str(PATIENCE_S), GANFORGE_BODY_S=str(PATIENCE_S))


@pytest.mark.parametrize("content", [HALF, b"", b"G", b"BODY"])
def test_half_open_connections_give_way_to_those_that_ask(patient: Server, alice: Person, content: bytes) -> None:
    headers = {"Authorization": f"Bearer {alice.key}"}
    half_a_body = f"{post(alice)}Content-Length: 9\r\n\r\n{{".encode()
    other = httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), headers=headers)
    with other, held(patient, 6 * CAP, half_a_body if content == b"BODY" else content) as sockets:
        for _ in range(10):
            assert other.get(f"{patient.url}/v1/jobs", timeout=PATIENCE_S / 2).status_code == 200
        assert sum(not closed(one) for one in sockets) <= CAP


def test_a_head_that_does_not_come_in_time_is_answered_and_its_connection_closed(server: Server, talk: Talk) -> None:
    began = time.monotonic()
    answer = talk(HALF)
    assert 0.8 < time.monotonic() - began < 9
    assert (answer.status, answer.problem["code"]) == (408, "timeout")
    assert answer.headers["connection"] == "close"


def test_bytes_that_drip_do_not_buy_time_for_a_head(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(HALF)
        answer, seconds = drip(sock, b"x")
    assert (answer.status, seconds < 30) == (408, True)


def test_a_connection_on_which_nothing_was_asked_is_closed_without_an_answer(server: Server) -> None:
    with held(server, 1, b"") as (sock,):
        assert sock.recv(100) == b""


def test_a_body_that_stops_is_answered_and_its_connection_closed(talk: Talk, alice: Person) -> None:
    for framing in ("Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
        answer = talk((post(alice) + framing).encode())
        assert (answer.status, answer.problem["code"]) == (408, "timeout")


def test_a_body_that_drips_ends_although_it_moves(server: Server, alice: Person) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(f"{post(alice)}Content-Length: 1000\r\n\r\n".encode())
        answer, seconds = drip(sock, b" ")
    assert (answer.status, seconds < 30) == (408, True)


def test_a_refused_body_without_an_end_is_not_read_forever(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(b"POST /v1/jobs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        began = time.monotonic()
        ended = select.poll()
        ended.register(sock, 0)  # 0: only that the connection has ended in both directions
        with suppress(OSError):
            while not ended.poll(10):
                assert time.monotonic() - began < 60
                sock.sendall(b"5\r\nhello\r\n")
        assert time.monotonic() - began < 60


@pytest.mark.slow
def test_an_address_with_its_limit_of_streams_is_told_so_and_served_after_one_ends(
    start: Callable[..., Server], alice: Person, bob: Person
) -> None:
    # Among so many connections one may have to wait for a second before this process sends its request.
    server = start(GANFORGE_HEAD_S="10")
    with ExitStack() as open_:
        for turn in range(CAP):
            events = open_.enter_context(stream(f"{server.url}/v1/events", (alice, bob)[turn % 2].key))
            next(events)
        with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"\r\n")
            answer = read_answer(sock)
        assert (answer.status, answer.problem["code"], answer.headers["retry-after"]) == (429, "rate_limited", "5")
        assert f"{CAP} open connections" in answer.problem["detail"]

    def answers() -> bool:
        # The server notices that readers have gone when it writes to them.
        alice.submit()
        bob.submit()
        return server.answers()

    until(answers, 60, "an answer")


@pytest.mark.slow
def test_behind_a_proxy_each_client_has_the_limit_for_itself(start: Callable[..., Server], alice: Person) -> None:
    server = start(GANFORGE_TRUSTED_PROXIES="127.0.0.0/8", GANFORGE_HEAD_S="10")

    def ask(client: str) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", server.port), 60)
        lines = f"Authorization: Bearer {alice.key}\r\nX-Forwarded-For: 6.6.6.6, {client}\r\n\r\n"
        sock.sendall(f"GET /v1/events HTTP/1.1\r\n{lines}".encode())
        return sock

    with ExitStack() as open_:
        for _ in range(CAP):
            assert open_.enter_context(ask("10.0.0.1")).recv(12).endswith(b"200")
        assert open_.enter_context(ask("10.0.0.1")).recv(12).endswith(b"429")
        assert open_.enter_context(ask("10.0.0.2")).recv(12).endswith(b"200")


def test_idle_connections_stay_open_for_the_next_request(server: Server) -> None:
    with httpx.Client() as client, held(server, CAP - 5, b""):
        first = client.get(f"{server.url}/healthz")
        with held(server, 1, HALF) as (slow,):
            assert read_answer(slow).status == 408  # now the first one has waited longer than a head may take
        again = client.get(f"{server.url}/healthz")
        same = [answer.extensions["network_stream"].get_extra_info("client_addr") for answer in (first, again)]
        assert same[0] == same[1]


def test_a_server_raises_its_limit_of_open_files() -> None:
    from api.serving.open_files import allow_open_files

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        allow_open_files(1000)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 2000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
