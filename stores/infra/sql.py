"""SQL fragments shared by several stores."""

from __future__ import annotations

from typing import Any

from sqlalchemy import cast, literal
from sqlalchemy.dialects.postgresql import INTERVAL


def seconds(value: float) -> Any:
    """Return a duration as SQL."""
    return cast(literal(f"{value} seconds"), INTERVAL)
