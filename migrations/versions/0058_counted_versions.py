"""By which version each row of a register counts: a correction that waits is none of it.

A process of the release before leaves it as it is where it confirms a row; the figure of a measure
then rests on the version of before, until the row is written again.
"""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = "ALTER TABLE register_row ADD COLUMN IF NOT EXISTS counted_version INTEGER"
_AFTERWARDS = """
    UPDATE register_row AS r SET counted_version = told.version
    FROM (
        SELECT city_code, row_id, max(version) AS version
        FROM register_row_history
        WHERE action NOT IN ('withdrawn', 'ended', 'revoked') AND after ->> 'state' = 'confirmed'
        GROUP BY city_code, row_id
    ) AS told
    WHERE r.city_code = told.city_code AND r.id = told.row_id
        AND r.counted IS NOT NULL AND r.counted_version IS NULL
"""
"""Reads all of the history while rows are read and written; it may be done again."""


def upgrade() -> None:
    """Add the version, by what the history says of each row."""
    op.execute(_UP)
    with op.get_context().autocommit_block():
        op.execute(_AFTERWARDS)


def downgrade() -> None:
    """Drop it again."""
    op.execute("ALTER TABLE register_row DROP COLUMN counted_version")
