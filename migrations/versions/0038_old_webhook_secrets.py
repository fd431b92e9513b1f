"""old_webhook_secrets: what also signs a webhook's messages for a day after its secret was changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "old_webhook_secrets",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_old_webhook_secrets_webhook_id_webhooks", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "secret", name="pk_old_webhook_secrets"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("old_webhook_secrets")
