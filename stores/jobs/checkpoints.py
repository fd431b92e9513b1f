"""Which checkpoints a job keeps."""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal, or_

from models.rows import Artifact


def not_every_nth(every: int) -> ColumnElement[bool]:
    """Match checkpoints that are not among each `every`-th, which are kept (0: none of these are kept)."""
    if every == 0:
        return literal(True)
    return or_(Artifact.ordinal.is_(None), Artifact.ordinal % every != 0)
