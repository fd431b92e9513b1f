"""stalls: attempts whose trainer made no progress, and the error of jobs whose last attempt was one.

The constraints are checked for the rows that exist in a transaction of its own, which keeps nobody from writing.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

OUTCOMES = ["succeeded", "failed", "canceled", "paused", "interrupted", "lost", "crashed", "stalled"]
CODES = [
    "invalid_dataset",
    "out_of_memory",
    "diverged",
    "checkpoint_corrupt",
    "extractor_failed",
    "worker_lost",
    "too_many_attempts",
    "stalled",
    "max_runtime",
    "internal",
]


def upgrade() -> None:
    """Apply."""
    # All of it can be done again, so a kill between the two transactions loses nothing.
    _replace(CODES, OUTCOMES)
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE jobs VALIDATE CONSTRAINT ck_jobs_error_code")
        op.execute("ALTER TABLE attempts VALIDATE CONSTRAINT ck_attempts_outcome")


def downgrade() -> None:
    """Take back. Jobs and attempts that stalled would break the older constraints: they have to be deleted first."""
    _replace([code for code in CODES if code != "stalled"], [one for one in OUTCOMES if one != "stalled"])
    op.execute("ALTER TABLE jobs VALIDATE CONSTRAINT ck_jobs_error_code")
    op.execute("ALTER TABLE attempts VALIDATE CONSTRAINT ck_attempts_outcome")


def _replace(codes: list[str], outcomes: list[str]) -> None:
    for table, column, values in (("jobs", "error_code", codes), ("attempts", "outcome", outcomes)):
        condition = f"{column} IN ({', '.join(map(repr, values))}) OR {column} IS NULL"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{column}")
        op.create_check_constraint(column, table, condition, postgresql_not_valid=True)
