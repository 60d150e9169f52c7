"""Score sheets by version, who assesses by which, and assessments with what was published of them.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE sheet_assessor (
        city_code TEXT NOT NULL,
        plan_code TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        sheet_code TEXT NOT NULL,
        CONSTRAINT pk_sheet_assessor
            PRIMARY KEY (city_code, plan_code, organization_code, sheet_code),
        CONSTRAINT fk_sheet_assessor_city_code_plan_code_plan
            FOREIGN KEY (city_code, plan_code) REFERENCES plan (city_code, code)
    )
    """,
    """
    CREATE TABLE score_sheet_version (
        city_code TEXT NOT NULL,
        plan_code TEXT NOT NULL,
        sheet_code TEXT NOT NULL,
        version INTEGER NOT NULL,
        content JSONB NOT NULL,
        plan_version INTEGER NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_score_sheet_version
            PRIMARY KEY (city_code, plan_code, sheet_code, version),
        CONSTRAINT fk_score_sheet_version_city_code_plan_code_plan
            FOREIGN KEY (city_code, plan_code) REFERENCES plan (city_code, code)
    )
    """,
    """
    CREATE TABLE assessment (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        sheet_code TEXT NOT NULL,
        sheet_version INTEGER NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_key TEXT NOT NULL,
        subject_name TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        comparable TEXT NOT NULL,
        period TEXT NOT NULL,
        state TEXT NOT NULL,
        findings JSONB NOT NULL,
        results JSONB NOT NULL,
        complete BOOLEAN NOT NULL,
        total NUMERIC,
        colour TEXT,
        revision INTEGER NOT NULL,
        published_on DATE,
        appeal_until DATE,
        reason TEXT,
        authors JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        CONSTRAINT pk_assessment PRIMARY KEY (city_code, id),
        CONSTRAINT ck_assessment_state CHECK
            (state IN ('draft', 'submitted', 'confirmed', 'published', 'withdrawn')),
        CONSTRAINT ck_assessment_subject_kind CHECK (subject_kind IN ('unit', 'village', 'row')),
        CONSTRAINT ck_assessment_published_on CHECK
            ((state = 'published') = (published_on IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_assessment_subject ON assessment
        (city_code, plan_code, sheet_code, period, subject_key) WHERE state <> 'withdrawn'
    """,
    "CREATE INDEX ix_assessment_sheet ON assessment (city_code, plan_code, sheet_code, id)",
    """
    CREATE TABLE assessment_history (
        city_code TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        version INTEGER NOT NULL,
        action TEXT NOT NULL,
        after JSONB NOT NULL,
        actor JSONB NOT NULL,
        reason TEXT,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_assessment_history PRIMARY KEY (city_code, assessment_id, version)
    )
    """,
    """
    CREATE TABLE assessment_revision (
        city_code TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        revision INTEGER NOT NULL,
        findings JSONB NOT NULL,
        results JSONB NOT NULL,
        total NUMERIC,
        colour TEXT,
        appeal_id UUID,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_assessment_revision PRIMARY KEY (city_code, assessment_id, revision)
    )
    """,
)

_TABLES = (
    *("assessment_revision", "assessment_history", "assessment"),
    *("score_sheet_version", "sheet_assessor"),
)


def upgrade() -> None:
    """Add five tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table}")
