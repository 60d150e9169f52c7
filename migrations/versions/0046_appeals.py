"""Appeals against published assessments, and every change of them.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE appeal (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        sheet_code TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        organization_code TEXT NOT NULL,
        subject_name TEXT NOT NULL,
        period TEXT NOT NULL,
        revision INTEGER NOT NULL,
        state TEXT NOT NULL,
        contested JSONB NOT NULL,
        decision_reason TEXT,
        corrected_revision INTEGER,
        changes JSONB,
        authors JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        CONSTRAINT pk_appeal PRIMARY KEY (city_code, id),
        CONSTRAINT ck_appeal_state CHECK
            (state IN ('filed', 'upheld', 'refused', 'withdrawn')),
        CONSTRAINT ck_appeal_upheld_corrects CHECK
            ((state = 'upheld') = (corrected_revision IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_appeal_filed ON appeal (city_code, assessment_id)
        WHERE state = 'filed'
    """,
    "CREATE INDEX ix_appeal_plan ON appeal (city_code, plan_code, id)",
    "CREATE INDEX ix_appeal_assessment ON appeal (city_code, assessment_id, id)",
    """
    CREATE TABLE appeal_history (
        city_code TEXT NOT NULL,
        appeal_id UUID NOT NULL,
        version INTEGER NOT NULL,
        action TEXT NOT NULL,
        after JSONB NOT NULL,
        actor JSONB NOT NULL,
        reason TEXT,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_appeal_history PRIMARY KEY (city_code, appeal_id, version)
    )
    """,
)


def upgrade() -> None:
    """Add two tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again."""
    for table in ("appeal_history", "appeal"):
        op.execute(f"DROP TABLE {table}")
