"""logs of trainers: the text of an attempt in chunks, until it is an artifact; what a log had and what was left out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log_chunks",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_line", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("first_line >= 1 AND lines >= 1", name="lines"),
        sa.ForeignKeyConstraint(
            ["job_id", "attempt"],
            ["attempts.job_id", "attempts.number"],
            name=op.f("fk_log_chunks_job_id_attempt_attempts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "attempt", "number", name=op.f("pk_log_chunks")),
    )
    op.add_column("attempts", sa.Column("log_lines", sa.BigInteger(), nullable=True))
    op.add_column("attempts", sa.Column("log_gaps", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Take back. Texts that are not artifacts yet are lost."""
    op.drop_column("attempts", "log_gaps")
    op.drop_column("attempts", "log_lines")
    op.drop_table("log_chunks")
