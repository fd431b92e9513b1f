"""jobs that have ended or are paused: how long each ran. The others learn it when their next attempt ends."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# No job that an attempt holds, so that no worker waits for the end of this.
FILL = """
UPDATE jobs SET ran = took.ran
  FROM (SELECT job_id, sum(ended_at - started_at) AS ran FROM attempts WHERE ended_at IS NOT NULL GROUP BY job_id) AS took
 WHERE jobs.id = took.job_id AND (jobs.finished_at IS NOT NULL OR jobs.state = 'paused') AND jobs.ran IS NULL
"""


def upgrade() -> None:
    """Apply."""
    op.execute(FILL)


def downgrade() -> None:
    """Take back: the column goes with its own migration."""
