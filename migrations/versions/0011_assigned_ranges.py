"""Ranges and several conditions among the targets that the superior assigns."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the other end of a range, and the conditions; rows of before have neither."""
    op.execute("ALTER TABLE assigned_target ADD COLUMN upper NUMERIC, ADD COLUMN conditions JSONB")


def downgrade() -> None:
    """Take them away; a target that needs them is in words only from then on."""
    op.execute("""
        UPDATE assigned_target SET kind = 'at_least', value = NULL
        WHERE kind IN ('between', 'all_of', 'any_of')
    """)
    op.execute("ALTER TABLE assigned_target DROP COLUMN upper, DROP COLUMN conditions")
