"""How the worker finds rows that were confirmed before rows had deadlines.

A process of the release before leaves them as they are; one of this fills in what it confirms.
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
)


def upgrade() -> None:
    """Add the index; rows are written meanwhile."""
    with op.get_context().autocommit_block():
        for statement in _UP:
            op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX ix_register_row_undated")
