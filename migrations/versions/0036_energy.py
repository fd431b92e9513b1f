"""attempts: the energy that each took, in watt-hours; null where there was no sensor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("attempts", sa.Column("energy_wh", sa.Float(), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("attempts", "energy_wh")
