"""What purged jobs leave for the metrics: counters only grow, though they are counted in rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Float, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base


class PurgedFigure(Base):
    """How many purged jobs or attempts there were with these labels (stores/jobs/counted.py).

    Durations also have their sum in seconds, and how many were within each bound of the histogram.
    """

    __tablename__ = "purged_figures"
    __table_args__ = (CheckConstraint("figure IN ('jobs', 'attempts', 'waits', 'stalls')", name="figure"),)

    figure: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[list[str]] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float, server_default=text("0"))
    within: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
