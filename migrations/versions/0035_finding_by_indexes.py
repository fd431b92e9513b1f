"""finding by indexes: words of texts, the end of an id, projects, stars, and lists in other orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TEXTS = "((((coalesce(name, '') || chr(10)) || coalesce(notes, '')) || chr(10)) || labels::text)"
FROM_END = "reverse(id)"
TOOK = "(finished_at - started_at)"
FINISHED = "finished_at IS NOT NULL"
NAMED = "name IS NOT NULL"
DONE = "started_at IS NOT NULL AND finished_at IS NOT NULL"
NAMES = (
    "texts",
    "id_from_its_end",
    "project",
    "owner_project",
    "starred",
    "owner_finished",
    "name",
    "owner_name",
    "priority",
    "owner_priority",
    "duration",
    "owner_duration",
)


def upgrade() -> None:
    """Apply."""
    create_index(
        "ix_jobs_texts", "jobs", [sa.text(TEXTS)], postgresql_using="gin", postgresql_ops={TEXTS: "gin_trgm_ops"}
    )
    create_index("ix_jobs_id_from_its_end", "jobs", [sa.text(FROM_END)], postgresql_ops={FROM_END: "text_pattern_ops"})
    create_index("ix_jobs_project", "jobs", ["project", "created_at", "id"], where="project IS NOT NULL")
    create_index("ix_jobs_owner_project", "jobs", ["owner", "project", "created_at", "id"], where="project IS NOT NULL")
    create_index("ix_jobs_starred", "jobs", ["owner", "created_at", "id"], where="starred")
    create_index("ix_jobs_owner_finished", "jobs", ["owner", "finished_at", "id"], where=FINISHED)
    create_index("ix_jobs_name", "jobs", [sa.text("lower(name)"), "id"], where=NAMED)
    create_index("ix_jobs_owner_name", "jobs", ["owner", sa.text("lower(name)"), "id"], where=NAMED)
    create_index("ix_jobs_priority", "jobs", ["priority", "id"])
    create_index("ix_jobs_owner_priority", "jobs", ["owner", "priority", "id"])
    create_index("ix_jobs_duration", "jobs", [sa.text(TOOK), "id"], where=DONE)
    create_index("ix_jobs_owner_duration", "jobs", ["owner", sa.text(TOOK), "id"], where=DONE)


def downgrade() -> None:
    """Take back."""
    for name in NAMES:
        op.drop_index(f"ix_jobs_{name}", table_name="jobs")
