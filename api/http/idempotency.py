"""Idempotency-Key: marks a request as a repetition of an earlier one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from api.http.problems import InvalidError, field
from api.http.routes import Call, Header, Reply
from models.messages import RequestFaults
from stores.jobs.idempotency import Request

IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "Any text up to 255 characters. The same key and body within 72 hours are one request; the answer is repeated, "
    "with `Idempotency-Replayed: true`.",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
REPLAYED = {"Idempotency-Replayed": "`true` when the answer is a repeated one."}


def idempotency(call: Call[Any, Any], address: str = "") -> Request | None:
    """Return the identity of this request, None if it has no key.

    `address` belongs to what the key stands for where one body means different things at different addresses.

    Raises:
        InvalidError: the key is empty or too long.
    """
    key = call.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255:
        message = RequestFaults.idempotency_key_length()
        raise InvalidError([field("/header/Idempotency-Key", message, header="Idempotency-Key")])
    # The body, independent of the order of its fields and of white space.
    content = call.request.get_json() if call.request.get_data() else {}
    sent = address + json.dumps(content, sort_keys=True, separators=(",", ":"))
    return Request(key, hashlib.sha256(sent.encode()).digest())


def made(job: Mapping[str, Any], replayed: bool) -> Reply:
    """Return the answer for a new job."""
    return Reply(job, 201, {"Location": f"/v1/jobs/{job['id']}", **replay(replayed)})


def replay(replayed: bool) -> dict[str, str]:
    """Return the header of a repeated answer."""
    return {"Idempotency-Replayed": "true"} if replayed else {}
