"""Rows of registers keep the days by which they are to be renewed and looked at again.

Rows that were confirmed before get them from the worker (0053). A process of the release before
leaves them as they are.
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = """
ALTER TABLE register_row
    ADD COLUMN IF NOT EXISTS renew_by DATE, ADD COLUMN IF NOT EXISTS renewed_as TEXT,
    ADD COLUMN IF NOT EXISTS recheck_by DATE, ADD COLUMN IF NOT EXISTS title TEXT
"""
_AFTERWARDS = (
    # What a run left behind that was ended meanwhile.
    "DROP INDEX CONCURRENTLY IF EXISTS ix_register_row_renewal",
    """
    CREATE INDEX CONCURRENTLY ix_register_row_renewal ON register_row
        (city_code, plan_code, register_code, renewed_as, renew_by)
        WHERE renew_by IS NOT NULL AND state IN ('draft', 'confirmed')
    """,
    "DROP INDEX CONCURRENTLY IF EXISTS ix_register_row_recheck",
    """
    CREATE INDEX CONCURRENTLY ix_register_row_recheck ON register_row
        (city_code, plan_code, recheck_by)
        WHERE recheck_by IS NOT NULL AND state IN ('draft', 'confirmed')
    """,
)
_DOWN = (
    "DROP INDEX ix_register_row_recheck",
    "DROP INDEX ix_register_row_renewal",
    """
    ALTER TABLE register_row DROP COLUMN renew_by, DROP COLUMN renewed_as,
        DROP COLUMN recheck_by, DROP COLUMN title
    """,
)


def upgrade() -> None:
    """Add the days, and how those that come are found; rows are written meanwhile."""
    op.execute(_UP)
    with op.get_context().autocommit_block():
        for statement in _AFTERWARDS:
            op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DOWN:
        op.execute(statement)
