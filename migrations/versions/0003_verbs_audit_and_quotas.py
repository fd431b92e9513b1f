"""verbs, audit and quotas: a place in the queue that its owner can change, an audit that nobody can, limits of keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUOTAS = (("quota_queued", sa.Integer()), ("quota_running", sa.Integer()), ("quota_stored_bytes", sa.BigInteger()))
AUDIT_INDEXES = ("action", "subject", "owner")

REFUSE = """
CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only: its rows are never changed or removed'
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""
TRIGGER = """
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit()
"""


def upgrade() -> None:
    """Apply. Waiting jobs keep the order that they have."""
    now = sa.text("now()")
    op.add_column("jobs", sa.Column("ordered_at", sa.DateTime(timezone=True), server_default=now, nullable=False))
    op.execute("UPDATE jobs SET ordered_at = created_at")
    op.create_index("ix_jobs_owner_queued", "jobs", ["owner"], postgresql_where=sa.text("state = 'queued'"))
    for name, kind in QUOTAS:
        op.add_column("keys", sa.Column(name, kind, nullable=True))
    op.create_check_constraint("quotas", "keys", "least(quota_queued, quota_running, quota_stored_bytes) >= 0")
    # An order to many jobs is remembered too, and has no job of its own.
    op.alter_column("idempotency", "job_id", nullable=True)
    for column in AUDIT_INDEXES:
        op.create_index(f"ix_audit_{column}", "audit", [column, "id"])
    op.execute(REFUSE)
    op.execute(TRIGGER)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER audit_is_append_only ON audit")
    op.execute("DROP FUNCTION refuse_to_change_audit()")
    for column in AUDIT_INDEXES:
        op.drop_index(f"ix_audit_{column}", table_name="audit")
    op.execute("DELETE FROM idempotency WHERE job_id IS NULL")
    op.alter_column("idempotency", "job_id", nullable=False)
    op.drop_constraint("ck_keys_quotas", "keys")
    for name, _ in QUOTAS:
        op.drop_column("keys", name)
    op.drop_index("ix_jobs_owner_queued", table_name="jobs", postgresql_where=sa.text("state = 'queued'"))
    op.drop_column("jobs", "ordered_at")
