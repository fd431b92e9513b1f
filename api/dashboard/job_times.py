"""How long a job ran, how long it waited, and how long it will take."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def times(job: Mapping[str, Any], ran: float | None) -> dict[str, Any]:
    """Return the times of a job in seconds, None where unknown.

    Args:
        job: as the API shows it.
        ran: how long its attempts took together; None before the first.

    Returns:
        `ran`; `waited`: in the queue, paused and between attempts; `left`: until its estimated end, by bound.
    """
    now = datetime.now(UTC)
    end = datetime.fromisoformat(job["finished_at"]) if job["finished_at"] else now
    since = (end - datetime.fromisoformat(job["created_at"])).total_seconds()
    eta = job["eta"]
    return {
        "ran": ran,
        "waited": None if ran is None else max(0.0, since - ran),
        "left": {name: (datetime.fromisoformat(eta[name]) - now).total_seconds() for name in ("at", "low", "high")}
        if eta
        else None,
    }
