"""Ranges of bytes of a download (RFC 9110, 14), so that clients can continue one that broke off."""

from __future__ import annotations

from werkzeug.http import parse_range_header

from api.http.problems import ProblemError
from models.messages import RequestFaults


def asked_for(header: str | None, condition: str | None, etag: str, size: int) -> range | None:
    """Return the bytes that `Range` asks for; None where all are to be sent.

    All are sent where the header makes no sense or asks for several ranges, and where `If-Range` names another version.

    Raises:
        ProblemError: 416, there are no such bytes.
    """
    wanted = parse_range_header(header)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if condition is not None and condition.strip() != etag:
        return None
    start, stop = wanted.ranges[0]
    part = range(start if start >= 0 else max(0, size + start), size if stop is None else min(stop, size))
    if not part:
        raise ProblemError(
            "range_not_satisfiable",
            RequestFaults.no_such_bytes(size=size),
            headers={"Content-Range": f"bytes */{size}"},
        )
    return part
