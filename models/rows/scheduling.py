"""Statistics of past jobs, for placement and estimates."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base


class MemoryPeak(Base):
    """The most memory that jobs of one shape have needed on one device class."""

    __tablename__ = "memory_peaks"
    __table_args__ = (CheckConstraint("bytes > 0", name="bytes"),)

    recipe: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"), primary_key=True)
    image_size: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_size: Mapped[int] = mapped_column(Integer, primary_key=True)
    width: Mapped[int] = mapped_column(Integer, primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    learned_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Pace(Base):
    """How fast jobs of one shape run on one device class: images per second, and seconds of overhead."""

    __tablename__ = "paces"
    __table_args__ = (CheckConstraint("0 < slowest AND slowest <= fastest", name="range"),)

    shape: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(ForeignKey("queues.name"), primary_key=True)
    images_per_second: Mapped[float] = mapped_column(Float)
    slowest: Mapped[float] = mapped_column(Float)
    fastest: Mapped[float] = mapped_column(Float)
    overhead_s: Mapped[float] = mapped_column(Float)
    attempts: Mapped[int] = mapped_column(Integer)
    learned_at: Mapped[datetime] = mapped_column(server_default=func.now())
