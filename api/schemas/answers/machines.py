"""How the service is."""

from __future__ import annotations

from typing import Literal

from api.schemas.answers.base import Answer


class Health(Answer):
    """It is there."""

    status: Literal["ok"]


class Readiness(Answer):
    """Everything behind it answers."""

    status: Literal["ready"]
    checks: dict[Literal["database", "broker", "object_store"], str]
