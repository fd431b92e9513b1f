"""What owners keep of the ended jobs of a project."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base

RULES = "checkpoints_after_days, grids_after_days, failed_after_days, ended_after_days"


class RetentionPolicy(Base):
    """The rules of one owner for one project. A rule that is null does nothing; days count from the end of a job."""

    __tablename__ = "retention_policies"
    __table_args__ = (
        UniqueConstraint("owner", "project"),
        CheckConstraint("keep_checkpoints >= 1", name="keep_checkpoints"),
        CheckConstraint(f"least({RULES}) >= 0", name="days"),
        CheckConstraint(f"num_nonnulls({RULES}) > 0", name="rules"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    project: Mapped[str]
    keep_checkpoints: Mapped[int] = mapped_column(Integer)  # the newest, beside the best
    checkpoints_after_days: Mapped[int | None] = mapped_column(Integer)
    grids_after_days: Mapped[int | None] = mapped_column(Integer)
    failed_after_days: Mapped[int | None] = mapped_column(Integer)  # failed and canceled jobs go to the trash
    ended_after_days: Mapped[int | None] = mapped_column(Integer)  # all ended jobs go to the trash
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
