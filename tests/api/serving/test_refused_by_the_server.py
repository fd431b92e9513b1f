"""Requests that the server itself refuses: each answer is a problem with the true reason, and is documented."""

from __future__ import annotations

import socket

import httpx
import pytest
from flask import Flask

from tests.api.conftest import Person
from tests.api.server import Server
from tests.api.serving.conftest import Talk, read_answer

FULL = b"Host: x\r\nConnection: close\r\n\r\n"
LONG_LINE = b" /v1/jobs?label=a:" + b"b" * 9000 + b" HTTP/1.1\r\n" + FULL


def head(*fields: str, line: str = "GET /healthz HTTP/1.1") -> bytes:
    """Return a request with these headers."""
    return "\r\n".join([line, *fields, "", ""]).encode("latin-1")


REFUSED = [
    # A request line that is too long, or none.
    (b"GET" + LONG_LINE, 414, "uri_too_long", "more than 8,192 bytes"),
    (b"OPTIONS" + LONG_LINE, 414, "uri_too_long", "more than 8,192 bytes"),
    (b"GET /" + b"a" * 20_000, 414, "uri_too_long", "more than 8,192 bytes"),
    (head(line="GET /healthz"), 400, "malformed", "request line"),
    (head(line="GET /a b HTTP/1.1"), 400, "malformed", "request line"),
    (head(line="GET /healthz HTTP/2.0"), 400, "malformed", "request line"),
    (head(line="GET /healthz HTTP/x"), 400, "malformed", "request line"),
    (head(line="G\x00T /healthz HTTP/1.1"), 400, "malformed", "request line"),
    (head(line="OPTIONS"), 400, "malformed", "request line"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 400, "malformed", "request line"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed", "request line"),
    # Headers that are too large or too many.
    (head(*(f"X-{n}: 1" for n in range(110))), 431, "headers_too_large", "more than 100 headers"),
    (head("X-Long: " + "a" * 66_000), 431, "headers_too_large", "more than 65,536 bytes"),
    (head(*(f"X-{n}: {'a' * 1000}" for n in range(80))), 431, "headers_too_large", "more than 65,536 bytes"),
    # Headers that two readers could read in two ways.
    (head("Host: x", "no colon"), 400, "malformed", "header 2"),
    (head("Host : x"), 400, "malformed", "header 1"),
    (head("X-A: 1", " folded"), 400, "malformed", "header 2"),
    (head("X-A: 1\rContent-Length: 5"), 400, "malformed", "header 1"),
    (head("H\xe9: 1"), 400, "malformed", "header 1"),
    (head("Host: a", "Host: b"), 400, "malformed", "Host must be given once"),
    # Lengths.
    *(
        (head(f"Content-Length: {length}", line="POST /v1/jobs HTTP/1.1"), 400, "malformed", "Content-Length must be")
        for length in ("abc", "-1", "+5", "1_0", "5, 5", "0x5", "\xb2", "", "9" * 5000)
    ),
    (head("Content-Length: 1", "Content-Length: 2"), 400, "malformed", "Content-Length must be"),
    (head("Content-Length: 1", "Transfer-Encoding: chunked"), 400, "malformed", "either Content-Length or"),
    (head("Transfer-Encoding: gzip"), 400, "malformed", "must be chunked"),
    (head("Transfer-Encoding: chunked, chunked"), 400, "malformed", "must be chunked"),
    (head("Transfer-Encoding: chunked", line="POST /v1/jobs HTTP/1.0"), 400, "malformed", "must be chunked"),
]


@pytest.mark.parametrize(("sent", "status", "code", "reason"), REFUSED)
def test_what_the_server_refuses_is_a_problem(talk: Talk, sent: bytes, status: int, code: str, reason: str) -> None:
    answer = talk(sent)
    assert (answer.status, answer.problem["code"]) == (status, code)
    assert reason in answer.problem["detail"]
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_refusal_of_a_head_request_has_headers_alone(talk: Talk) -> None:
    answer = talk(b"HEAD" + LONG_LINE)
    assert (answer.status, answer.body) == (414, b"")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_request_that_breaks_off_is_answered(talk: Talk) -> None:
    answer = talk(b"GET /healthz HTTP/1.1\r\nHost", done=True)
    assert (answer.status, answer.problem["detail"]) == (400, "the request broke off within its headers")
    assert talk(b"GET /heal", done=True).problem["code"] == "malformed"


CHUNKS = [
    b"x\r\n",
    b"5\r\nhelloworld\r\n",
    b"-1\r\n",
    b"F" * 20 + b"\r\n",
    b"0\r\nbad trailer \x00\r\n\r\n",
    b"5;" + b"a" * 9000,
]


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/datasets"])
def test_bad_chunks_are_refused_and_nothing_behind_them_is_a_request(
    talk: Talk, alice: Person, path: str, chunks: bytes
) -> None:
    kind = {"/v1/jobs": "application/json", "/v1/datasets": "multipart/form-data; boundary=a"}[path]
    fields = [f"Authorization: Bearer {alice.key}", f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    answer = talk(head(*fields, line=f"POST {path} HTTP/1.1") + chunks + b"GET /healthz HTTP/1.1\r\n\r\n")
    assert (answer.status, answer.problem["code"]) == (400, "malformed")
    assert "chunks of the body" in answer.problem["detail"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PUT", "BREW"])
def test_another_method_is_a_problem_too(talk: Talk, method: str) -> None:
    answer = talk(head("Connection: close", line=f"{method} /v1/jobs HTTP/1.1"))
    assert (answer.status, answer.problem["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST".lower()


@pytest.mark.parametrize("target", ["*", "x:443", "nowhere", "//", "/%", "/%ff", "/\xff", "/v1/jobs%00", "/v1/../v1"])
def test_an_odd_target_is_a_problem_too(talk: Talk, target: str) -> None:
    answer = talk(head("Connection: close", line=f"OPTIONS {target} HTTP/1.1"))
    assert (answer.status, answer.problem["code"]) in {(404, "not_found"), (405, "method_not_allowed")}


@pytest.mark.parametrize("path", ["/healthz", "/v1/jobs", "/v1/openapi.json", "/dashboard/login", "/docs", "/nowhere"])
def test_a_query_that_is_not_utf8_is_refused_by_name_on_every_path(talk: Talk, path: str) -> None:
    for query in ("next=/\xaf\xab", "next=%AF"):
        answer = talk(head("Accept: application/json", "Connection: close", line=f"GET {path}?{query} HTTP/1.1"))
        assert answer.status == 422, (path, query)
        assert answer.problem["errors"][0]["parameter"] == "next"


def test_an_odd_host_is_never_a_crash(talk: Talk) -> None:
    for host in ("", "a b", "[", "\xff", "a" * 300, "x:y", "x:99999", "..", "@", "/"):
        answer = talk(head(f"Host: {host}", "Connection: close"))
        assert answer.status in {200, 400}, host
        assert answer.status == 200 or answer.problem["code"] == "malformed"


def test_a_target_with_a_scheme_and_a_host_names_the_path(talk: Talk) -> None:
    assert talk(head("Connection: close", line="GET http://else.where/healthz HTTP/1.1")).status == 200
    assert talk(head("Connection: close", line="OPTIONS http://else.where HTTP/1.1")).status in {404, 405}


def test_requests_that_follow_each_other_at_once_are_answered_in_turn(server: Server) -> None:
    request = b"\r\nGET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(request * 3 + b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert read_answer(sock).body.count(b"HTTP/1.1 ") == 3  # behind the first one


def test_a_large_body_that_is_refused_leaves_time_for_the_answer(server: Server, alice: Person) -> None:
    headers = {"Authorization": f"Bearer {alice.key}", "Content-Type": "application/json"}
    for content in (b" " * 20_000_000, iter([b" " * 1_000_000] * 20)):
        answer = httpx.post(f"{server.url}/v1/jobs", content=content, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_who_waits_for_leave_to_send_a_body_is_refused_without_it(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 60) as sock:
        sock.sendall(head("Expect: 100-continue", "Content-Length: 5", line="POST /v1/jobs HTTP/1.1"))
        answer = read_answer(sock)
        assert (answer.status, answer.problem["code"]) == (401, "unauthenticated")


def test_the_document_lists_what_the_server_refuses_for_every_operation(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"400", "408", "414", "429", "431"} <= set(operation["responses"]), operation["operationId"]
