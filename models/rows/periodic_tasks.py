"""What the sweeper does beside taking back lost jobs, and how far it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Float, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base


class Chore(Base):
    """One recurring piece of work. `next_at` is what two sweepers race for; `cursor` is where the next round goes on.

    The counts only grow: the metrics page shows them, since a sweeper listens on no port.
    """

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cursor: Mapped[str] = mapped_column(server_default=text("''"))
    last_at: Mapped[datetime | None]
    seconds: Mapped[float] = mapped_column(Float, server_default=text("0"))  # that the last round took
    rounds: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
