"""How rows are found that were confirmed before rows had deadlines, and those of a unit.

By the first the worker fills in what such rows lack. The rows of a unit are listed and summed up.
What they say (`cells @> ...`) is no condition of an index behind row-level security. A process of
the release before fills in nothing.
"""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    # What a run left behind that was ended meanwhile.
    "DROP INDEX CONCURRENTLY IF EXISTS ix_register_row_undated",
    """
    CREATE INDEX CONCURRENTLY ix_register_row_undated
        ON register_row (city_code, plan_code, register_code, id)
        WHERE title IS NULL AND counted IS NOT NULL AND state IN ('draft', 'confirmed')
    """,
    "DROP INDEX CONCURRENTLY IF EXISTS ix_register_row_unit",
    """
    CREATE INDEX CONCURRENTLY ix_register_row_unit
        ON register_row (city_code, plan_code, register_code, organization_code, id)
    """,
)


def upgrade() -> None:
    """Add the indexes; rows are written meanwhile."""
    with op.get_context().autocommit_block():
        for statement in _UP:
            op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX ix_register_row_unit")
    op.execute("DROP INDEX ix_register_row_undated")
