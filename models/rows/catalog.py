"""What jobs can name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Float, ForeignKey, Index, Integer, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.rows.base import Base, JsonObject


class Dataset(Base):
    """A data set that jobs can name: built in, found under a data root, or uploaded (then it has an owner)."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("state IN ('importing', 'ready', 'missing', 'failed')", name="state"),
        CheckConstraint("source IN ('builtin', 'found', 'uploaded')", name="source"),
        CheckConstraint("(source = 'uploaded') = (owner IS NOT NULL)", name="owner"),
        CheckConstraint("state <> 'ready' OR images > 0", name="images"),
        # One name means one data set to a person: shared names once, and each owner's names once.
        # A deleted one stays as a row, because finished jobs name it, but its name is free.
        Index(
            "uq_datasets_owner_name",
            text("coalesce(owner, '')"),
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str | None]
    source: Mapped[str]
    layout: Mapped[str]
    images: Mapped[int] = mapped_column(Integer)
    shape: Mapped[list[int]]
    classes: Mapped[list[str]]
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str]
    parts: Mapped[JsonObject] = mapped_column(server_default=text("'{}'"))  # images of each: train, test; trainA, …
    class_counts: Mapped[list[int] | None]  # in the order of the classes, all parts together; null: nobody counted
    object_key: Mapped[str | None]  # of the packed file, when uploaded
    preview_key: Mapped[str | None]  # of a grid of its pictures
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Extractor(Base):
    """The job that makes the extractor of a data set: once for all who use it (stores/judging/extractors.py)."""

    __tablename__ = "extractors"
    __table_args__ = (CheckConstraint("targets IN ('classes', 'rotations')", name="targets"),)

    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    targets: Mapped[str]
    # Of its weights, and the share of test images whose class it names: as its first user has measured them.
    sha256: Mapped[str | None] = mapped_column(String(64))
    accuracy: Mapped[float | None] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
