"""Connectors keep whether a superior refuses the secret that was given last.

What was queued while its connector ended is taken off the queue, as what was queued before. A
process of the release before learns nothing of refused secrets, and leaves them as they are.
"""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Add since when it does, and when that was last seen. Connectors are few."""
    # By the index of each connector's items by state; connectors that ended are few.
    op.execute(
        """
        UPDATE connector_item AS i SET settled_at = now(),
            state = CASE i.state WHEN 'unknown' THEN 'failed' ELSE 'superseded' END
        FROM connector AS c
        WHERE c.ended_at IS NOT NULL AND i.city_code = c.city_code AND i.connector_id = c.id
            AND i.state IN ('unmapped', 'pending', 'unknown')
        """
    )
    op.execute(
        """
        ALTER TABLE connector
            ADD COLUMN secret_refused_since TIMESTAMP WITH TIME ZONE,
            ADD COLUMN secret_refused_at TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT ck_connector_secret_refused CHECK
                ((secret_refused_since IS NULL) = (secret_refused_at IS NULL))
        """
    )


def downgrade() -> None:
    """Forget both."""
    op.execute(
        "ALTER TABLE connector DROP COLUMN secret_refused_since, DROP COLUMN secret_refused_at"
    )
