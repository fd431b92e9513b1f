"""finding: notes, projects and stars of jobs, their latest metrics, and lists that owners keep under a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # A trusted extension: the role that owns the database may add it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.add_column("jobs", sa.Column("notes", sa.Text()))
    op.add_column("jobs", sa.Column("project", sa.Text()))
    op.add_column("jobs", sa.Column("starred", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    empty = sa.text("'{}'::jsonb")
    op.add_column("jobs", sa.Column("last_metrics", postgresql.JSONB(), server_default=empty, nullable=False))
    op.create_table(
        "views",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("sort", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_views"),
        sa.UniqueConstraint("owner", "name", name="uq_views_owner_name"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("views")
    for column in ("last_metrics", "starred", "project", "notes"):
        op.drop_column("jobs", column)
