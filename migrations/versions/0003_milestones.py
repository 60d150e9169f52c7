"""Milestones with their negotiated dates, and who has a part in which measure."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PARTITIONED = (
    "milestone",
    "milestone_history",
)
_PARTITIONS = 4

_UP = """
CREATE TABLE extension (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    organization_code TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    present_date DATE NOT NULL,
    proposed_date DATE NOT NULL,
    granted_date DATE,
    decide_by DATE NOT NULL,
    decision_reason TEXT,
    requested_by JSONB NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    decided_by JSONB,
    decided_at TIMESTAMPTZ,
    version INTEGER NOT NULL,
    CONSTRAINT pk_extension PRIMARY KEY (city_code, id),
    CONSTRAINT ck_extension_state CHECK (state IN ('requested', 'approved', 'denied', 'withdrawn')),
    CONSTRAINT ck_extension_subject_kind CHECK (subject_kind IN ('milestone', 'obligation')),
    CONSTRAINT ck_extension_granted_when_approved
        CHECK ((state = 'approved') = (granted_date IS NOT NULL))
);
CREATE INDEX ix_extension_plan ON extension (city_code, plan_code, id);
CREATE INDEX ix_extension_subject ON extension (city_code, subject_kind, subject_id, number);
CREATE UNIQUE INDEX uq_extension_requested
    ON extension (city_code, subject_kind, subject_id)
    WHERE state = 'requested';

CREATE TABLE measure_unit (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    measure_code TEXT NOT NULL,
    part TEXT NOT NULL,
    CONSTRAINT pk_measure_unit PRIMARY KEY (city_code, plan_code, organization_code, measure_code),
    CONSTRAINT fk_measure_unit_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code),
    CONSTRAINT ck_measure_unit_part CHECK (part IN ('lead', 'responsible'))
);

CREATE TABLE milestone (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    measure_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    parent_id UUID,
    title TEXT NOT NULL,
    deliverable TEXT,
    evidence_rule TEXT NOT NULL,
    weight NUMERIC NOT NULL,
    due_date DATE NOT NULL,
    original_due_date DATE NOT NULL,
    epoch INTEGER NOT NULL,
    extensions INTEGER NOT NULL,
    sign_by DATE,
    answer_by DATE,
    turn_began DATE,
    state TEXT NOT NULL,
    percent NUMERIC NOT NULL,
    narrative TEXT,
    problems TEXT,
    next_steps TEXT,
    expected_date DATE,
    evidence JSONB NOT NULL,
    grade TEXT,
    reason TEXT,
    from_plan BOOLEAN NOT NULL,
    assigned_by JSONB NOT NULL,
    completed_by JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    version INTEGER NOT NULL,
    CONSTRAINT pk_milestone PRIMARY KEY (city_code, id),
    CONSTRAINT ck_milestone_state
        CHECK (state IN ('assigned', 'accepted', 'declined', 'in_progress', 'completed',
            'closed', 'returned', 'cancelled')),
    CONSTRAINT ck_milestone_evidence_rule
        CHECK (evidence_rule IN ('none', 'narrative', 'document')),
    CONSTRAINT ck_milestone_grade CHECK (grade IN ('excellent', 'good', 'pass', 'fail')),
    CONSTRAINT ck_milestone_graded_when_closed
        CHECK ((state = 'closed') = (grade IS NOT NULL)),
    CONSTRAINT ck_milestone_percent CHECK (percent BETWEEN 0 AND 100),
    CONSTRAINT ck_milestone_weight CHECK (weight > 0)
) PARTITION BY HASH (city_code);
CREATE INDEX ix_milestone_due
    ON milestone (city_code, plan_code, due_date)
    WHERE state NOT IN ('closed', 'cancelled');
CREATE INDEX ix_milestone_measure ON milestone (city_code, plan_code, measure_code, id);
CREATE INDEX ix_milestone_organization
    ON milestone (city_code, plan_code, organization_code, due_date, id);
CREATE INDEX ix_milestone_parent ON milestone (city_code, parent_id);
CREATE INDEX ix_milestone_plan ON milestone (city_code, plan_code, due_date, id);
CREATE UNIQUE INDEX uq_milestone_seed
    ON milestone (city_code, plan_code, measure_code)
    WHERE from_plan;

CREATE TABLE milestone_history (
    city_code TEXT NOT NULL,
    milestone_id UUID NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    after JSONB NOT NULL,
    actor JSONB NOT NULL,
    reason TEXT,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_milestone_history PRIMARY KEY (city_code, milestone_id, version)
) PARTITION BY HASH (city_code);
"""

_WHO_HAS_PART = """
INSERT INTO measure_unit (city_code, plan_code, organization_code, measure_code, part)
SELECT DISTINCT ON (p.city_code, p.code, unit, m->>'code')
    p.city_code, p.code, unit, m->>'code', named.part
FROM plan p
JOIN plan_version v
    ON v.city_code = p.city_code AND v.plan_code = p.code AND v.version = p.version
CROSS JOIN LATERAL jsonb_array_elements(v.document->'tasks') t
CROSS JOIN LATERAL jsonb_array_elements(t->'measures') m
CROSS JOIN LATERAL (
    SELECT code, 'lead' AS part FROM jsonb_array_elements_text(m->'lead_units') code
    UNION ALL
    SELECT code, 'responsible' FROM jsonb_array_elements_text(m->'responsible_units') code
) named
LEFT JOIN organization o ON o.city_code = p.city_code AND o.code = named.code
CROSS JOIN LATERAL unnest(
    CASE WHEN named.part = 'responsible' AND o.members <> '{}' THEN o.members
    ELSE ARRAY[named.code] END
) unit
ORDER BY p.city_code, p.code, unit, m->>'code', named.part
"""
"""What loading a plan writes from now on, for the plans that are loaded already."""

_DOWN = """
DROP TABLE milestone_history;
DROP TABLE milestone;
DROP TABLE measure_unit;
DROP TABLE extension;
"""


def upgrade() -> None:
    """Add tables beside those there are; nothing that runs already uses them."""
    for statement in _UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in _PARTITIONED:
        for remainder in range(_PARTITIONS):
            op.execute(
                f"CREATE TABLE {table}_p{remainder} PARTITION OF {table}"
                f" FOR VALUES WITH (MODULUS {_PARTITIONS}, REMAINDER {remainder})"
            )
    op.execute(_WHO_HAS_PART)


def downgrade() -> None:
    """Take the tables away again, with what is in them."""
    for statement in _DOWN.split(";\n"):
        if statement.strip():
            op.execute(statement)
