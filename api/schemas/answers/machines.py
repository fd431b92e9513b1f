"""Queues, workers, and how the service is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.answers.base import Answer
from models.states import DeviceClass


class Queue(Answer):
    """A queue is a device class and a switch."""

    name: DeviceClass
    depth: int = Field(description="Jobs that wait.")
    running: int
    oldest_wait_s: float | None
    workers: int = Field(description="Live ones.")
    paused: bool


class Worker(Answer):
    """A supervisor, pinned to one device."""

    id: str
    name: str
    queue: DeviceClass
    device: dict[str, Any]
    host: str
    state: Literal["live", "draining", "lost", "stopped"]
    job: str | None
    started_at: datetime
    last_seen: datetime


class Health(Answer):
    """It is there."""

    status: Literal["ok"]


class Readiness(Answer):
    """Everything behind it answers."""

    status: Literal["ready"]
    checks: dict[Literal["database", "broker", "object_store"], str]
