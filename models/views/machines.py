"""Queues and the workers that serve them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from models.states import DeviceClass
from models.views.base import Moment, closed, view


@closed
class Queue(TypedDict):
    """A queue is a device class and a switch."""

    name: DeviceClass
    depth: Annotated[int, Field(description="Jobs that wait.")]
    running: int
    oldest_wait_s: float | None
    workers: Annotated[int, Field(description="Live ones.")]
    paused: bool


@closed
class Worker(TypedDict):
    """A supervisor, pinned to one device."""

    id: str
    name: str
    queue: DeviceClass
    device: dict[str, Any]
    host: str
    state: Literal["live", "draining", "lost", "stopped"]
    job: str | None
    started_at: Moment
    last_seen: Moment


def queue_view(row: Mapping[Any, Any]) -> Queue:
    """Return a queue with what waits and runs in it."""
    waited = row["oldest_wait_s"]
    return view(Queue, row, oldest_wait_s=None if waited is None else round(float(waited), 3))


def worker_view(row: Mapping[Any, Any]) -> Worker:
    """Return a worker."""
    return view(Worker, row)
