"""The ledger: identity, plans, submissions, the event log and scores.

Every tenant-owned table has city_code first in its keys; large ones are hash-partitioned by
it, so that they can be distributed by city without a rewrite.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_PARTITIONED = (
    "audit_entry",
    "event",
    "event_position",
    "submission",
    "submission_history",
    "score_input",
    "score_snapshot",
)
_PARTITIONS = 4

_UP = """
CREATE TABLE city (
    city_code TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_city PRIMARY KEY (city_code)
);

CREATE TABLE organization (
    city_code TEXT NOT NULL,
    code TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    aliases TEXT[] NOT NULL,
    members TEXT[] NOT NULL,
    submits BOOLEAN NOT NULL,
    administrative_code TEXT,
    role TEXT,
    note TEXT,
    defined_by TEXT NOT NULL,
    ended_at TIMESTAMPTZ,
    CONSTRAINT pk_organization PRIMARY KEY (city_code, code),
    CONSTRAINT fk_organization_city_code_city
        FOREIGN KEY(city_code) REFERENCES city (city_code)
);

CREATE TABLE api_key (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    organization_code TEXT,
    plan_code TEXT,
    scopes TEXT[] NOT NULL,
    every_city BOOLEAN NOT NULL,
    prefix TEXT NOT NULL,
    secret_digest BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT pk_api_key PRIMARY KEY (city_code, id),
    CONSTRAINT ck_api_key_organization_of_reporter_and_lead
        CHECK (role NOT IN ('reporter', 'lead') OR organization_code IS NOT NULL)
);
CREATE UNIQUE INDEX uq_api_key_secret_digest ON api_key (city_code, secret_digest);

CREATE TABLE audit_entry (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    actor JSONB NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_audit_entry PRIMARY KEY (city_code, id)
) PARTITION BY HASH (city_code);
CREATE INDEX ix_audit_entry_city_code_occurred_at ON audit_entry (city_code, occurred_at);

CREATE TABLE event (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT,
    type TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    organization_code TEXT,
    actor JSONB NOT NULL,
    data JSONB NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (city_code, id)
) PARTITION BY HASH (city_code);
CREATE INDEX ix_event_subject ON event (city_code, subject_kind, subject_id);

CREATE TABLE event_pending (
    city_code TEXT NOT NULL,
    event_id UUID NOT NULL,
    CONSTRAINT pk_event_pending PRIMARY KEY (city_code, event_id)
);

CREATE TABLE event_position (
    city_code TEXT NOT NULL,
    position BIGINT NOT NULL,
    event_id UUID NOT NULL,
    CONSTRAINT pk_event_position PRIMARY KEY (city_code, position)
) PARTITION BY HASH (city_code);
CREATE UNIQUE INDEX uq_event_position_event_id ON event_position (city_code, event_id);

CREATE TABLE log_head (
    city_code TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_log_head PRIMARY KEY (city_code)
);

CREATE TABLE reader_cursor (
    city_code TEXT NOT NULL,
    reader TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_reader_cursor PRIMARY KEY (city_code, reader)
);

CREATE TABLE stored_reply (
    city_code TEXT NOT NULL,
    credential_id UUID NOT NULL,
    key TEXT NOT NULL,
    request_digest BYTEA NOT NULL,
    status SMALLINT,
    body BYTEA,
    etag TEXT,
    location TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_stored_reply PRIMARY KEY (city_code, credential_id, key)
);
CREATE INDEX ix_stored_reply_created_at ON stored_reply (created_at);

CREATE TABLE plan (
    city_code TEXT NOT NULL,
    code TEXT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_plan PRIMARY KEY (city_code, code),
    CONSTRAINT fk_plan_city_code_city
        FOREIGN KEY(city_code) REFERENCES city (city_code)
);

CREATE TABLE plan_version (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    document JSONB NOT NULL,
    digest BYTEA NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL,
    loaded_by JSONB NOT NULL,
    CONSTRAINT pk_plan_version PRIMARY KEY (city_code, plan_code, version),
    CONSTRAINT fk_plan_version_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);

CREATE TABLE indicator_lead (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    CONSTRAINT pk_indicator_lead
        PRIMARY KEY (city_code, plan_code, organization_code, indicator_code),
    CONSTRAINT fk_indicator_lead_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);

CREATE TABLE plan_period (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    period TEXT NOT NULL,
    state TEXT NOT NULL,
    due_date DATE NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ,
    published_at TIMESTAMPTZ,
    publication_number INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT pk_plan_period PRIMARY KEY (city_code, plan_code, period),
    CONSTRAINT fk_plan_period_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code),
    CONSTRAINT ck_plan_period_state CHECK (state IN ('planned', 'open', 'closed', 'published'))
);
CREATE UNIQUE INDEX uq_plan_period_publication
    ON plan_period (city_code, plan_code, publication_number);

CREATE TABLE assigned_target (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    year INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value NUMERIC,
    text TEXT,
    document_number TEXT NOT NULL,
    document_date DATE NOT NULL,
    attachment TEXT,
    assigned_at TIMESTAMPTZ NOT NULL,
    assigned_by JSONB NOT NULL,
    CONSTRAINT pk_assigned_target
        PRIMARY KEY (city_code, plan_code, indicator_code, year, sequence),
    CONSTRAINT fk_assigned_target_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);

CREATE TABLE settlement (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    question_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    document_number TEXT NOT NULL,
    document_date DATE NOT NULL,
    settled_at TIMESTAMPTZ NOT NULL,
    settled_by JSONB NOT NULL,
    CONSTRAINT pk_settlement PRIMARY KEY (city_code, plan_code, question_id),
    CONSTRAINT fk_settlement_city_code_plan_code_plan
        FOREIGN KEY(city_code, plan_code) REFERENCES plan (city_code, code)
);

CREATE TABLE submission (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    period TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    approved_revision INTEGER,
    value NUMERIC,
    numerator NUMERIC,
    denominator NUMERIC,
    level TEXT,
    not_applicable_reason TEXT,
    data_status TEXT NOT NULL,
    note TEXT,
    source TEXT,
    on_behalf BOOLEAN NOT NULL,
    falsified BOOLEAN NOT NULL,
    reason TEXT,
    reported_by UUID NOT NULL,
    reported_by_organization TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    submitted_at TIMESTAMPTZ,
    decided_at TIMESTAMPTZ,
    CONSTRAINT pk_submission PRIMARY KEY (city_code, id),
    CONSTRAINT ck_submission_state
        CHECK (state IN ('draft', 'submitted', 'returned', 'approved', 'withdrawn')),
    CONSTRAINT ck_submission_one_form
        CHECK (state IN ('draft', 'returned', 'withdrawn')
            OR num_nonnulls(value, level, not_applicable_reason) = 1)
) PARTITION BY HASH (city_code);
CREATE INDEX ix_submission_organization
    ON submission (city_code, plan_code, organization_code, id);
CREATE INDEX ix_submission_plan ON submission (city_code, plan_code, id);
CREATE UNIQUE INDEX uq_submission_place
    ON submission (city_code, plan_code, indicator_code, organization_code, period)
    WHERE state <> 'withdrawn';

CREATE TABLE submission_history (
    city_code TEXT NOT NULL,
    submission_id UUID NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    after JSONB NOT NULL,
    actor JSONB NOT NULL,
    reason TEXT,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_submission_history PRIMARY KEY (city_code, submission_id, version)
) PARTITION BY HASH (city_code);

CREATE TABLE score_input (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    basis TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    period TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    from_position BIGINT NOT NULL,
    until_position BIGINT,
    submission_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    value NUMERIC,
    numerator NUMERIC,
    denominator NUMERIC,
    level TEXT,
    not_applicable_reason TEXT,
    provisional BOOLEAN NOT NULL,
    falsified BOOLEAN NOT NULL,
    CONSTRAINT pk_score_input
        PRIMARY KEY (
            city_code, plan_code, basis, indicator_code, period, organization_code, from_position
        )
) PARTITION BY HASH (city_code);
CREATE UNIQUE INDEX uq_score_input_current
    ON score_input (city_code, plan_code, basis, indicator_code, period, organization_code)
    WHERE until_position IS NULL;

CREATE TABLE score_snapshot (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    basis TEXT NOT NULL,
    period TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    plan_version INTEGER NOT NULL,
    method TEXT NOT NULL,
    method_version TEXT NOT NULL,
    position BIGINT NOT NULL,
    local_date DATE NOT NULL,
    computed_at TIMESTAMPTZ NOT NULL,
    board JSONB NOT NULL,
    traces JSONB NOT NULL,
    CONSTRAINT pk_score_snapshot PRIMARY KEY (city_code, plan_code, basis, period, sequence)
) PARTITION BY HASH (city_code);
CREATE INDEX ix_score_snapshot_computed_at
    ON score_snapshot (city_code, plan_code, basis, period, computed_at);
"""


def upgrade() -> None:
    """Create every table, and four partitions of each large one."""
    for statement in _UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in _PARTITIONED:
        for remainder in range(_PARTITIONS):
            op.execute(
                f"CREATE TABLE {table}_p{remainder} PARTITION OF {table}"
                f" FOR VALUES WITH (MODULUS {_PARTITIONS}, REMAINDER {remainder})"
            )


def downgrade() -> None:
    """There is nothing before the first schema to go back to."""
    raise RuntimeError("the first migration cannot be undone; drop the database instead")
