"""What the checks of the plan found in a submission, and the reason that was given for it.

A process of the release before writes neither and goes on.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Add two columns, and an index of the submissions in which something was found."""
    op.execute("ALTER TABLE submission ADD COLUMN justification TEXT")
    op.execute("ALTER TABLE submission ADD COLUMN checks JSONB")
    op.execute(
        "CREATE INDEX ix_submission_checks ON submission (city_code, plan_code, id)"
        " WHERE checks IS NOT NULL"
    )


def downgrade() -> None:
    """Drop them again."""
    op.execute("DROP INDEX ix_submission_checks")
    for name in ("checks", "justification"):
        op.execute(f"ALTER TABLE submission DROP COLUMN {name}")
