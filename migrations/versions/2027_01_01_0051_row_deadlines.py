"""Rows of registers keep the days by which they are to be renewed and looked at again.

Rows that were confirmed before have none until they are confirmed anew. A process of the release
before leaves them as they are.
"""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    ALTER TABLE register_row
        ADD COLUMN renew_by DATE, ADD COLUMN renewed_as TEXT, ADD COLUMN recheck_by DATE,
        ADD COLUMN title TEXT
    """,
    """
    CREATE INDEX ix_register_row_renewal ON register_row
        (city_code, plan_code, register_code, renewed_as, renew_by)
        WHERE renew_by IS NOT NULL AND state IN ('draft', 'confirmed')
    """,
    """
    CREATE INDEX ix_register_row_recheck ON register_row (city_code, plan_code, recheck_by)
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
    """Add the days, and how those that come are found."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Take them back."""
    for statement in _DOWN:
        op.execute(statement)
