"""Queues and the workers that serve them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject, one_of
from models.states import DeviceClass


class Queue(Base):
    """One queue for each device class, and whether it is paused."""

    __tablename__ = "queues"
    __table_args__ = (CheckConstraint(one_of("name", DeviceClass), name="name"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    # Seconds that its jobs took lately, a moving average; null before the first has ended.
    typical_s: Mapped[float | None] = mapped_column(Float)


class Worker(Base):
    """A supervisor: one process, pinned to one device, serving one queue. See `STATE` of stores/fleet/workers.py."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"))
    device: Mapped[JsonObject]
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    draining: Mapped[bool] = mapped_column(server_default=text("false"))
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen: Mapped[datetime] = mapped_column(server_default=func.now())
    stopped_at: Mapped[datetime | None]
    lost_at: Mapped[datetime | None]  # when webhooks were told that it is lost; null again once it is heard of
