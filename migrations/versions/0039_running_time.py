"""jobs: how long each ran, over its attempts, without what it waited or was paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("ran", sa.Interval()))


def downgrade() -> None:
    """Take back."""
    op.drop_column("jobs", "ran")
