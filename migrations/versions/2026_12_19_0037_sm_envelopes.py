"""Keys of SM2 for partners whose requests and answers stand in an envelope.

Columns that may be null: a process of the release before goes on, and knows no such profile.
"""

from alembic import op

revision = "0037"
down_revision = "0032"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Add the columns."""
    op.execute(
        "ALTER TABLE partner ADD COLUMN sm_public_key text, ADD COLUMN own_sm_public_key text,"
        " ADD COLUMN sm_private_sealed bytea"
    )


def downgrade() -> None:
    """Drop them: such partners call no more."""
    op.execute("DELETE FROM partner WHERE profile = 'tif-sm'")
    op.execute(
        "ALTER TABLE partner DROP COLUMN sm_public_key, DROP COLUMN own_sm_public_key,"
        " DROP COLUMN sm_private_sealed"
    )
