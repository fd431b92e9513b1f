"""The health of the service."""

from __future__ import annotations

from typing import Literal

from api.schemas.answers.base import Answer


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """All dependencies answer."""

    status: Literal["ready"]
    checks: dict[Literal["database", "broker", "object_store"], str]
