"""scheduling: indexes by which a claim leaps from owner to owner, and what was learned of memory and pace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

QUEUED = sa.text("state = 'queued'")
RUNNING = sa.text("state = 'running'")
SERVED = sa.text("started_at IS NOT NULL")
OLD_CLAIM: list[str | sa.ColumnElement[str]] = ["queue", sa.literal_column("priority DESC"), "created_at", "id"]


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("needs_bytes", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("shape", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("images", sa.BigInteger(), nullable=True))
    op.add_column("queues", sa.Column("typical_s", sa.Float(), nullable=True))
    op.drop_index("ix_jobs_claim", table_name="jobs", postgresql_where=QUEUED)
    op.create_index(
        "ix_jobs_share", "jobs", ["queue", "priority", "owner", "ordered_at", "id"], postgresql_where=QUEUED
    )
    op.create_index("ix_jobs_running", "jobs", ["owner", "queue"], postgresql_where=RUNNING)
    op.create_index("ix_jobs_served", "jobs", ["queue", "owner", "started_at"], postgresql_where=SERVED)
    queue = sa.ForeignKey("queues.name", name="fk_memory_peaks_queue_queues")
    op.create_table(
        "memory_peaks",
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), queue, nullable=False),
        sa.Column("image_size", sa.Integer(), nullable=False),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_memory_peaks_bytes")),
        sa.PrimaryKeyConstraint("recipe", "queue", "image_size", "batch_size", "width", name=op.f("pk_memory_peaks")),
    )
    op.create_table(
        "paces",
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), sa.ForeignKey("queues.name", name="fk_paces_queue_queues"), nullable=False),
        sa.Column("images_per_second", sa.Float(), nullable=False),
        sa.Column("slowest", sa.Float(), nullable=False),
        sa.Column("fastest", sa.Float(), nullable=False),
        sa.Column("overhead_s", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("0 < slowest AND slowest <= fastest", name=op.f("ck_paces_range")),
        sa.PrimaryKeyConstraint("shape", "queue", name=op.f("pk_paces")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("paces")
    op.drop_table("memory_peaks")
    op.drop_index("ix_jobs_served", table_name="jobs", postgresql_where=SERVED)
    op.drop_index("ix_jobs_running", table_name="jobs", postgresql_where=RUNNING)
    op.drop_index("ix_jobs_share", table_name="jobs", postgresql_where=QUEUED)
    op.create_index("ix_jobs_claim", "jobs", OLD_CLAIM, postgresql_where=QUEUED)
    op.drop_column("queues", "typical_s")
    for column in ("images", "shape", "needs_bytes"):
        op.drop_column("jobs", column)
