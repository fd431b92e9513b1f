"""levels of curves: coarser copies, so that a long curve is drawn without reading all its points."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "curve_levels",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("first_step", sa.BigInteger(), nullable=False),
        sa.Column("next_step", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("series", postgresql.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_curve_levels_job_id_jobs")),
        sa.PrimaryKeyConstraint("job_id", "level", "first_step", name=op.f("pk_curve_levels")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("curve_levels")
