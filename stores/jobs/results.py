"""What a job measured, as columns of its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def columns(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a result: itself, the figures by which jobs are sorted, and the extractor behind them."""
    fidelity = result["fidelity"]
    return {
        "result": dict(result),
        "fd_ratio": fidelity["fd_ratio"],
        "kid": fidelity["kid"],
        "extractor": result["extractor"]["sha256"],
    }
