"""A package that was made is noted as written once its file stands where it was to go.

Those of before are noted as they come: the next export writes each that was not answered once more,
the same bytes. A process of the release before notes nothing, and does no harm by that.
"""

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Add when it was written."""
    op.execute("ALTER TABLE carried_package ADD COLUMN written_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE carried_package DROP COLUMN written_at")
