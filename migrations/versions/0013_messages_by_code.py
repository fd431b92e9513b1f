"""messages by code: code and parameters beside the English of reasons and errors; rows written before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = (("jobs", "reason_text"), ("jobs", "error_text"), ("attempts", "error_text"))


def upgrade() -> None:
    """Apply."""
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Take back."""
    for table, name in reversed(COLUMNS):
        op.drop_column(table, name)
