"""Requests as bytes, some of which were changed: the server answers each with HTTP, and never with an empty body."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies as st

from models.states import Role
from tests.api.generated import generated
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from tests.fuzz.campaign import Result

PIECES = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b"/", b"%00", b"\xff", b"\x80" * 20),
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n"),
    *(b"X: " + b"a" * 9000 + b"\r\n", b"X: y\r\n" * 101, b"HTTP/1.0", b"HTTP/0.9", b"HTTP/9.9", b"a" * 9000),
    *(
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
    ),
]


def _seeds(target: Target) -> list[bytes]:
    """Return right requests."""
    key = target.keys[Role.user]
    job = target.known["job_id"][0]
    shown = f"Host: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
    shown_json = f"{shown}Content-Type: application/json\r\n"
    text = '{"kind": "train"}'
    chunks = f"{len(text):x}\r\n{text}\r\n0\r\n\r\n"
    return [
        request.encode()
        for request in (
            f"GET /v1/jobs?limit=1&label=a:b HTTP/1.1\r\n{shown}\r\n",
            f"GET /v1/jobs/{job}/events HTTP/1.1\r\n{shown}Last-Event-ID: 1\r\n\r\n",
            f"GET /v1/events HTTP/1.1\r\n{shown}Last-Event-ID: {job}:1\r\n\r\n",
            f"HEAD /v1/jobs HTTP/1.1\r\n{shown}\r\n",
            f"OPTIONS /v1/jobs HTTP/1.1\r\n{shown}\r\n",
            f"POST /v1/jobs HTTP/1.1\r\n{shown_json}Content-Length: {len(text)}\r\n\r\n{text}",
            f"POST /v1/jobs HTTP/1.1\r\n{shown_json}Transfer-Encoding: chunked\r\n\r\n{chunks}",
            f"GET /dashboard/login?next=/dashboard HTTP/1.1\r\n{shown}Accept: text/html\r\n\r\n",
        )
    ]


def run(target: Target, cases: int, seed: int, result: Result) -> None:
    """Send changed requests."""
    seeds = _seeds(target)
    change = st.tuples(st.integers(0, 400), st.integers(0, 8), st.sampled_from(PIECES) | st.binary(max_size=6))

    @generated(cases, seed)
    @hypothesis.given(st.sampled_from(range(len(seeds))), st.lists(change, min_size=1, max_size=4))
    def go(chosen: int, changes: list[tuple[int, int, bytes]]) -> None:
        sent = bytearray(seeds[chosen])
        for place, length, other in changes:
            start = place % len(sent)
            sent[start : start + length] = other
        status, fault = _ask(target.port, bytes(sent))
        result.note("bytes", status)
        if fault:
            result.fault(f"bytes {status}: {fault}", repr(bytes(sent))[:1500])

    go()


def _ask(port: int, sent: bytes) -> tuple[int, str]:
    """Return the status of the first answer, 0 if there was none, and what is wrong with it."""
    text = b""
    with socket.create_connection(("127.0.0.1", port), 30) as sock:
        try:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            while len(text) < 100_000 and (some := sock.recv(65_536)):
                text += some
                if b"text/event-stream" in text:
                    break  # it goes on as long as we listen
        except ConnectionError:
            pass
        except TimeoutError:
            return 0, "neither an answer nor an end for 30 s"
    while text.startswith(b"HTTP/1.1 100 "):
        text = text.partition(b"\r\n\r\n")[2]
    if not text:
        return 0, "" if not sent.strip(b"\r\n") else "closed without an answer"
    line, _, rest = text.partition(b"\r\n")
    if not line.startswith(b"HTTP/1.1 "):
        return 0, f"no HTTP: {line[:80]!r}"
    return int(line[9:12]), _fault(int(line[9:12]), rest, sent)


def _fault(status: int, rest: bytes, sent: bytes) -> str:
    """Return what is wrong with an answer."""
    if status >= 500:
        return "the server failed"
    if status < 400 or sent.lstrip(b"\r\n").startswith(b"HEAD "):
        return ""
    head, _, body = rest.partition(b"\r\n\r\n")
    if b"text/html" in head.lower():
        return "" if b"</html>" in body else "an empty page"
    if b"application/problem+json" not in head.lower():
        return "not a problem"
    length = next(
        int(field.split(b":")[1]) for field in head.split(b"\r\n") if field.lower().startswith(b"content-length:")
    )
    try:
        return "" if json.loads(body[:length])["status"] == status else "another status in the body"
    except (ValueError, KeyError):
        return "the body is no problem"
