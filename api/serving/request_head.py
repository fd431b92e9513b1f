"""Reading of a request's line and headers, strictly: what two readers could read in two ways is refused.

A proxy and a server that disagree on where a request ends let a stranger put words into the next request. So lengths
are digits, one number and not beside chunks, header names are tokens, and a line ends with LF or CR LF only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import BinaryIO

from api.http.refusals import RefusalError
from models.messages import ServerFaults

MAX_LINE = 8192  # bytes of the request line; a hundred filters fit
MAX_HEADERS_BYTES = 65_536  # of all headers together
MAX_HEADERS = 100
# A client may send a few line ends after a body, before the next request (RFC 9112, 2.2).
MAX_EMPTY_LINES = 4

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = re.compile(rf"({_NAME}) ([\x21-\x7e\x80-\xff]+) HTTP/(\d)\.(\d)\r?\n")
_METHOD = re.compile(rf"({_NAME}) ")
_FIELD = re.compile(rf"({_NAME}):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Head:
    """A request without its body."""

    method: str
    target: str  # path and query, as sent
    version: str
    fields: list[tuple[str, str]]
    length: int | None  # None: no body, or one in chunks

    @property
    def keep_alive(self) -> bool:
        """Whether the client may send another request on this connection."""
        wanted = {part.strip().lower() for part in ",".join(self.values("connection")).split(",")}
        return "close" not in wanted if self.version == "HTTP/1.1" else "keep-alive" in wanted

    def values(self, name: str) -> list[str]:
        """Return all values of a header; its name is in lower case."""
        return [value for given, value in self.fields if given.lower() == name]


def method_of(line: bytes) -> str:
    """Return the method of a request line that may be damaged or cut; GET if it cannot be told."""
    found = _METHOD.match(line[:64].decode("latin-1"))
    return found[1] if found else "GET"


def read_line(reader: BinaryIO) -> bytes:
    """Return the request line, or the beginning of one that is too long; empty when the client has left."""
    for _ in range(MAX_EMPTY_LINES):
        line = reader.readline(MAX_LINE + 1)
        if line not in {b"\r\n", b"\n"}:
            break
    return line


def read_head(line: bytes, reader: BinaryIO) -> Head:
    """Return the request that begins with this line.

    Raises:
        RefusalError: it cannot be read, or its headers are too large.
    """
    if len(line) > MAX_LINE:
        raise RefusalError("uri_too_long", ServerFaults.line_too_long(limit=MAX_LINE))
    found = _LINE.fullmatch(line.decode("latin-1"))
    if found is None or found[3] != "1":
        raise RefusalError("malformed", ServerFaults.line_unreadable())
    method, target, version = found[1], found[2], "HTTP/1.0" if found[4] == "0" else "HTTP/1.1"
    target = _ABSOLUTE.sub("", target, count=1) or "/" if _ABSOLUTE.match(target) else target
    fields = _read_fields(reader)
    head = Head(method, target, version, fields, None)
    if len(head.values("host")) > 1:
        raise RefusalError("malformed", ServerFaults.header_given_twice(name="Host"))
    return replace(head, length=_length(head))


def _read_fields(reader: BinaryIO) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    left = MAX_HEADERS_BYTES
    while True:
        line = reader.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise RefusalError("headers_too_large", ServerFaults.headers_too_large(limit=MAX_HEADERS_BYTES))
        if line in {b"\r\n", b"\n"}:
            return fields
        if not line.endswith(b"\n"):
            raise RefusalError("malformed", ServerFaults.headers_cut_off())
        if len(fields) == MAX_HEADERS:
            raise RefusalError("headers_too_large", ServerFaults.too_many_headers(limit=MAX_HEADERS))
        found = _FIELD.fullmatch(line.decode("latin-1"))
        if found is None:
            raise RefusalError("malformed", ServerFaults.header_unreadable(number=len(fields) + 1))
        fields.append((found[1], found[2]))


def _length(head: Head) -> int | None:
    """Return the length of the body; None if there is none, or it comes in chunks."""
    lengths = set(head.values("content-length"))
    codings = [value.lower() for value in head.values("transfer-encoding")]
    if codings:
        if codings != ["chunked"] or head.version == "HTTP/1.0":
            raise RefusalError("malformed", ServerFaults.only_chunked())
        if lengths:
            raise RefusalError("malformed", ServerFaults.length_beside_chunks())
        return None
    if not lengths:
        return None
    given = lengths.pop()
    if lengths or not _LENGTH.fullmatch(given):
        raise RefusalError("malformed", ServerFaults.length_unreadable())
    return int(given)
