"""uploaded data sets: what parts they have, where their bytes are, and names that are free again after deletion.

And metrics of an epoch beside those of its last step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME: tuple[sa.ColumnElement[str], ...] = (sa.literal_column("coalesce(owner, '')"), sa.column("name"))


def upgrade() -> None:
    """Apply."""
    op.add_column("datasets", sa.Column("parts", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("datasets", sa.Column("object_key", sa.Text(), nullable=True))
    op.add_column("datasets", sa.Column("preview_key", sa.Text(), nullable=True))
    op.add_column("datasets", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("uq_datasets_owner_name", table_name="datasets")
    op.create_index(
        "uq_datasets_owner_name", "datasets", NAME, unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )

    # A sampling job may name a data set too, to translate it.
    op.drop_constraint("ck_jobs_dataset_of_training", "jobs")
    op.create_check_constraint("dataset_of_training", "jobs", "kind <> 'train' OR dataset_id IS NOT NULL")
    op.add_column("metrics", sa.Column("first_name", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.drop_constraint("pk_metrics", "metrics")
    op.create_primary_key("pk_metrics", "metrics", ["job_id", "first_step", "first_name"])


def downgrade() -> None:
    """Take back. Fails while two deleted data sets share a name: remove such rows first."""
    op.execute("UPDATE jobs SET dataset_id = NULL WHERE kind <> 'train'")
    op.drop_constraint("ck_jobs_dataset_of_training", "jobs")
    op.create_check_constraint("dataset_of_training", "jobs", "(kind = 'train') = (dataset_id IS NOT NULL)")
    op.execute("DELETE FROM metrics WHERE first_name = 'accuracy'")
    op.drop_constraint("pk_metrics", "metrics")
    op.create_primary_key("pk_metrics", "metrics", ["job_id", "first_step"])
    op.drop_column("metrics", "first_name")
    op.drop_index("uq_datasets_owner_name", table_name="datasets", postgresql_where=sa.text("deleted_at IS NULL"))
    op.create_index("uq_datasets_owner_name", "datasets", NAME, unique=True)
    for column in ("deleted_at", "preview_key", "object_key", "parts"):
        op.drop_column("datasets", column)
