"""The budget of a training: so many epochs or so many images, never both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Each unit of a budget, and the unit that it replaces.
REPLACES = {"epochs": "images", "images": "epochs"}


def with_changes(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with the changes applied. A budget given in one unit clears the other."""
    merged = {**params, **changes}
    for unit, other in REPLACES.items():
        if changes.get(unit) is not None and other not in changes:
            merged[other] = None
    return merged
