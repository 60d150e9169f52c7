"""Alert rules, alerts and the notices that were given."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PARTITIONED = (
    "alert",
    "alert_notice",
    "alert_history",
)
_PARTITIONS = 4

_UP = """
CREATE TABLE alert_rules (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    rule_set JSONB NOT NULL,
    changed_by JSONB NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_alert_rules PRIMARY KEY (city_code, plan_code, version)
);

CREATE TABLE alert (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    alert_key TEXT NOT NULL,
    rule TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    organization_code TEXT NOT NULL,
    measure_code TEXT,
    indicator_code TEXT,
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    message_en TEXT NOT NULL,
    due_date DATE,
    stage TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    level SMALLINT NOT NULL,
    given_level SMALLINT,
    reach INTEGER,
    withheld_reach INTEGER,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    arrived BOOLEAN NOT NULL,
    told BOOLEAN NOT NULL,
    recipients JSONB NOT NULL,
    calendar TEXT NOT NULL,
    calendar_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    hold_until DATE,
    holds_top BOOLEAN NOT NULL,
    answer TEXT,
    promised_date DATE,
    answered_by JSONB,
    answered_at TIMESTAMPTZ,
    raised_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ,
    resolved_reason TEXT,
    version INTEGER NOT NULL,
    CONSTRAINT pk_alert PRIMARY KEY (city_code, id),
    CONSTRAINT ck_alert_state CHECK (state IN ('open', 'acknowledged', 'snoozed', 'resolved'))
) PARTITION BY HASH (city_code);
CREATE UNIQUE INDEX uq_alert_key ON alert (city_code, alert_key);
CREATE INDEX ix_alert_organization ON alert (city_code, plan_code, organization_code, id);
CREATE INDEX ix_alert_plan ON alert (city_code, plan_code, id);
CREATE INDEX ix_alert_unresolved
    ON alert (city_code, plan_code, rule)
    WHERE state <> 'resolved';

CREATE TABLE alert_notice (
    city_code TEXT NOT NULL,
    alert_key TEXT NOT NULL,
    stage TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    level SMALLINT NOT NULL,
    reach INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    event_id UUID,
    calendar TEXT NOT NULL,
    calendar_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_alert_notice PRIMARY KEY (city_code, alert_key, stage, repeat, level),
    CONSTRAINT ck_alert_notice_outcome
        CHECK (outcome IN ('given', 'gathered', 'superseded', 'held', 'snoozed', 'muted'))
) PARTITION BY HASH (city_code);

CREATE TABLE alert_history (
    city_code TEXT NOT NULL,
    alert_id UUID NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    after JSONB NOT NULL,
    actor JSONB NOT NULL,
    reason TEXT,
    calendar_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_alert_history PRIMARY KEY (city_code, alert_id, version)
) PARTITION BY HASH (city_code);

CREATE TABLE alert_digest (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    total INTEGER NOT NULL,
    event_id UUID NOT NULL,
    given_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_alert_digest PRIMARY KEY (city_code, plan_code, organization_code, day, kind),
    CONSTRAINT ck_alert_digest_kind CHECK (kind IN ('daily', 'arrival'))
);

CREATE TABLE alert_evaluation (
    city_code TEXT NOT NULL,
    plan_code TEXT NOT NULL,
    evaluated_at TIMESTAMPTZ,
    evaluated_for TIMESTAMPTZ,
    calendar_version INTEGER,
    rules_version INTEGER,
    CONSTRAINT pk_alert_evaluation PRIMARY KEY (city_code, plan_code)
);
"""

_DOWN = """
DROP TABLE alert_evaluation;
DROP TABLE alert_digest;
DROP TABLE alert_history;
DROP TABLE alert_notice;
DROP TABLE alert;
DROP TABLE alert_rules;
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


def downgrade() -> None:
    """Take the tables away again, with what is in them."""
    for statement in _DOWN.split(";\n"):
        if statement.strip():
            op.execute(statement)
