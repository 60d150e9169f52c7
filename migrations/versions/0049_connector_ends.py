"""Connectors that end, and the secret before the present one of a superior.

One that has ended is disabled for every process, of the release before too.
"""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Let a connector end, and keep the secret before the present one."""
    op.execute(
        """
        ALTER TABLE connector
            ADD COLUMN former_secret_sealed BYTEA,
            ADD COLUMN former_secret_expires_at TIMESTAMP WITH TIME ZONE,
            ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT ck_connector_former_secret CHECK
                ((former_secret_sealed IS NULL) = (former_secret_expires_at IS NULL)),
            ADD CONSTRAINT ck_connector_ended CHECK
                (ended_at IS NULL OR (state = 'disabled' AND num_nonnulls(receipts_url_sealed,
                secret_sealed, former_secret_sealed) = 0))
        """
    )


def downgrade() -> None:
    """Forget former secrets; what has ended is disabled, as another may be."""
    op.execute(
        """
        ALTER TABLE connector DROP COLUMN former_secret_sealed,
            DROP COLUMN former_secret_expires_at, DROP COLUMN ended_at
        """
    )
