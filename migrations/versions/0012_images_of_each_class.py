"""images of each class: counted when a data set is packed, or looked at where it stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("datasets", sa.Column("class_counts", postgresql.ARRAY(sa.Integer()), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("datasets", "class_counts")
