"""Call the columns of alerts what the field calls them: suppressed and notified.

A process of an older version does not know the new names: end them all before, as the runbook
says.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_RENAMED = {"withheld_reach": "suppressed_reach", "told": "notified"}


def upgrade() -> None:
    for old, new in _RENAMED.items():
        op.alter_column("alert", old, new_column_name=new)


def downgrade() -> None:
    for old, new in _RENAMED.items():
        op.alter_column("alert", new, new_column_name=old)
