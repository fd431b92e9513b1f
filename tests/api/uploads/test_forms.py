"""Forms as programs and people send them: each gets the true reason, at the field that is at fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Person, Pointers
from tests.api.uploads.archives import pictures, zipped

Part = tuple[bytes, bytes]  # what follows `form-data` in its headers, and its content
Send = Callable[..., TestResponse]

NAMED = (b'; name="name"', b"pets")
FILE = b'; name="file"; filename="x.zip"'


@pytest.fixture
def send(alice: Person) -> Send:
    """Return a function that sends a form made of raw bytes."""

    def send(*parts: Part, end: bytes = b"--a--\r\n") -> TestResponse:
        head = b"--a\r\nContent-Disposition: form-data"
        body = b"".join(head + facts + b"\r\n\r\n" + content + b"\r\n" for facts, content in parts) + end
        return alice.post("/v1/datasets", data=body, content_type="multipart/form-data; boundary=a")

    return send


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Return a good archive."""
    return zipped(pictures(16))


def test_a_file_without_a_filename_is_told_to_be_text(
    send: Send, archive: bytes, pointers: Pointers, nothing_left: Any
) -> None:
    for more in (0, 2_000_000):
        answer = send(NAMED, (b'; name="file"', archive + bytes(more)))
        assert pointers(answer) == {"/file": "must be a file, with a filename, not text"}
    assert nothing_left()


FILENAMES = [
    b'filename="\xc4\xe3\xba\xc3.zip"',  # GBK
    b'filename="\xd0\x5c"',  # Big5, whose second byte is a backslash
    b'filename="caf\xe9.zip"',
    b"filename*=UTF-8''%E7%8C%AB.zip",
    b'filename="C:\\pictures\\x.zip"',
    b'filename=""',
    b"FILENAME=x.zip",
]


def test_the_name_of_the_file_may_be_anything(send: Send, archive: bytes, pointers: Pointers) -> None:
    for name in FILENAMES:
        # The wrong size is all there is to say about this form.
        answer = send(NAMED, (b'; name="size"', b"7"), (b'; name="file"; ' + name, archive))
        assert pointers(answer) == {"/size": "must be at least 8"}, name
    answer = send(NAMED, (b'; name="file"; ' + FILENAMES[0], archive))
    assert answer.status_code == 201, answer.text


def test_text_that_is_not_utf8_is_refused_at_its_field(
    send: Send, archive: bytes, pointers: Pointers, nothing_left: Any
) -> None:
    file = (FILE, archive)
    refused = {"/name": "is not UTF-8: send it in this encoding"}
    assert pointers(send((b'; name="name"', b"caf\xe9"), file)) == refused
    assert pointers(send((b'; name="name"\r\nContent-Type: text/plain; charset=utf-8', b"\xff\xfe"), file)) == refused
    assert pointers(send((b'; name="name"\r\nContent-Type: text/plain; charset=gbk', b"\xc4\xe3"), file)) == refused
    assert pointers(send((b'; name="name"', b"\xed\xa0\x80"), file)) == refused  # half a surrogate
    both = pointers(send((b'; name="name"', b"\xc3\xa8\xff"), (b'; name="size"', b"\xff"), file))
    assert both == {**refused, "/size": refused["/name"]}
    name = pointers(send(NAMED, (b'; name="na\xefve"', b"x"), file))
    assert name == {"/na?ve": refused["/name"]}
    assert nothing_left()


def test_a_query_that_is_not_utf8_is_refused_at_its_parameter(alice: Person, pointers: Pointers) -> None:
    refused = "is not UTF-8: send it in this encoding"
    for query in ("label=team:caf%E9", "label=%ff%fe&limit=1", "limit=1&label=x%C3"):
        assert pointers(alice.get(f"/v1/jobs?{query}")) == {"/query/label": refused}
    assert pointers(alice.get("/v1/datasets?lim%E9t=1")) == {"/query/lim\ufffdt": refused}
    assert alice.get("/v1/jobs?label=team:caf%C3%A9").status_code == 200


def test_text_in_an_encoding_that_the_part_states_is_read(send: Send, archive: bytes) -> None:
    stated = (b'; name="name"\r\nContent-Type: text/plain; charset=iso-8859-1', b"caf\xe9")
    answer = send(stated, (FILE, archive))
    assert (answer.status_code, answer.json["name"]) == (201, "café")
    answer = send((b'; name="name"', "小猫".encode()), (FILE, archive))
    assert (answer.status_code, answer.json["name"]) == (201, "小猫")


WRONG: list[tuple[list[Part], dict[str, str]]] = [
    ([(b'; name="name"', b"x" * 70_000)], {"/name": "has more than 65,536 bytes"}),
    ([(b'; name="colour"', b"x" * 2_000_000)], {"/colour": "has more than 65,536 bytes"}),
    ([NAMED, NAMED, (FILE, b"x")], {"/name": "must be given once"}),
    ([NAMED, (FILE, b"x"), (FILE, b"y")], {"/file": "must be given once"}),
    ([(b'; name="name"; filename="x"', b"pets")], {"/name": "must not be a file"}),
]


def test_a_field_that_is_wrong_is_named(send: Send, pointers: Pointers, nothing_left: Any) -> None:
    for parts, wrong in WRONG:
        found = pointers(send(*parts))
        assert found.keys() == wrong.keys()
        assert all(text in found[place] for place, text in wrong.items()), found
    assert nothing_left()


UNREADABLE: list[tuple[list[Part], bytes, str]] = [
    ([(b'; name="x%d"' % number, b"") for number in range(21)], b"--a--\r\n", "more than 20 parts"),
    ([(b"", b"pets")], b"--a--\r\n", "a part of the form has no name"),
    ([], bytes(1_100_000), "1,000,000 bytes came without the boundary"),
    ([], b"--a\r\nX: " + b"y" * 1_100_000, "1,000,000 bytes came without the boundary or the empty line"),
    ([], b"--a\r\nX: y\r\n\r\nz\r\n--a--\r\n", "Missing Content-Disposition"),
    ([NAMED], b"", "cannot be read"),
]


def test_a_form_that_cannot_be_read_is_told_why(send: Send, nothing_left: Any) -> None:
    for parts, end, wrong in UNREADABLE:
        answer = send(*parts, end=end)
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert wrong in answer.json["detail"], wrong
    assert nothing_left()


def test_what_follows_the_last_boundary_is_left_alone(send: Send, archive: bytes) -> None:
    answer = send(NAMED, (FILE, archive), end=b"--a--\r\nan epilogue")
    assert answer.status_code == 201, answer.text
