"""Figures that registers gave, each with the rows that it was reckoned from.

A new table: a process of the release before knows nothing of it and goes on.
"""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None
works_since = "0014"


def upgrade() -> None:
    """Add the table."""
    op.execute(
        """
        CREATE TABLE register_figure (
            city_code TEXT NOT NULL,
            plan_code TEXT NOT NULL,
            register_code TEXT NOT NULL,
            measure_code TEXT NOT NULL,
            organization_code TEXT NOT NULL,
            period TEXT NOT NULL,
            version INTEGER NOT NULL,
            indicator_code TEXT NOT NULL,
            value NUMERIC,
            numerator NUMERIC,
            denominator NUMERIC,
            row_count BIGINT NOT NULL,
            rows JSONB NOT NULL,
            digest TEXT NOT NULL,
            position BIGINT NOT NULL,
            submission_id UUID,
            found_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_register_figure PRIMARY KEY
                (city_code, plan_code, register_code, measure_code, organization_code, period,
                version)
        )
        """
    )


def downgrade() -> None:
    """Drop it again."""
    op.execute("DROP TABLE register_figure")
