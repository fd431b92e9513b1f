"""doomed objects: what is to be removed from the object store, written with the deletion of the rows that named it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "doomed_objects",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name="pk_doomed_objects"),
    )


def downgrade() -> None:
    """Take back. Objects that are still to be removed are found as orphans."""
    op.drop_table("doomed_objects")
