"""Whoever handed in a figure of another source may take it back.

A process of the release before takes one that was taken back for one that stands. Whatever it
corrects has a new version, and so stands for the new release, too.
"""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    ALTER TABLE observation
        ADD COLUMN withdrawn_version INTEGER,
        ADD COLUMN withdrawal_reason TEXT
    """,
    "ALTER TABLE observation_history ALTER COLUMN reference DROP NOT NULL",
)

_DOWN = (
    "DELETE FROM observation_history WHERE reference IS NULL",
    "ALTER TABLE observation_history ALTER COLUMN reference SET NOT NULL",
    "ALTER TABLE observation DROP COLUMN withdrawn_version, DROP COLUMN withdrawal_reason",
)


def upgrade() -> None:
    """Add two columns; what takes back has no reference of its own."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again, with the withdrawals."""
    for statement in _DOWN:
        op.execute(statement)
