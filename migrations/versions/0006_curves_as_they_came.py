"""curves as they came: points of metrics are read as text, and a million numbers need not be taken apart for that."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute('ALTER TABLE metrics ALTER COLUMN "values" TYPE json USING "values"::json')


def downgrade() -> None:
    """Take back."""
    op.execute('ALTER TABLE metrics ALTER COLUMN "values" TYPE jsonb USING "values"::jsonb')
