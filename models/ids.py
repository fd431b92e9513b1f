"""Identifiers: a prefix that says what the thing is, and a UUIDv7, so that ids sort by the time they were made."""

from __future__ import annotations

import re

import uuid_utils

PREFIXES = ("job", "ds", "art", "key", "wrk", "whk", "dlv", "msg", "shr", "view", "ret")

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``job_0198…``."""
    return f"{prefix}_{uuid_utils.uuid7()}"


def id_pattern(prefix: str) -> str:
    """Return the regular expression that ids with this prefix match, for schemas and checks."""
    return rf"^{prefix}_{_UUID}$"


def is_id(prefix: str, text: str) -> bool:
    """Tell whether ``text`` has the form of an id with this prefix (it may still name nothing)."""
    return re.fullmatch(id_pattern(prefix)[1:-1], text) is not None
