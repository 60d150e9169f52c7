"""Connectors: where figures are reported, what waits, every request, and statements of superiors.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE connector (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    name text NOT NULL,
    url_sealed bytea NOT NULL,
    url_shown text NOT NULL,
    receipts_url_sealed bytea,
    receipts_url_shown text,
    profile text NOT NULL,
    app_id text,
    interface text,
    secret_sealed bytea,
    mapping jsonb NOT NULL,
    basis text NOT NULL,
    indicator_codes text[] NOT NULL,
    batch_size smallint NOT NULL,
    pause_seconds integer NOT NULL,
    state text NOT NULL,
    state_reason text,
    tested_at timestamptz,
    failing_since timestamptz,
    warned smallint NOT NULL,
    consecutive_failures integer NOT NULL,
    paused_until timestamptz,
    lease_token uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_connector PRIMARY KEY (city_code, id),
    CONSTRAINT ck_connector_state CHECK (state IN ('active', 'failing', 'disabled')),
    CONSTRAINT ck_connector_state_reason CHECK (
        (state = 'disabled') = (state_reason IS NOT NULL)
        AND state_reason IN ('new', 'gone', 'failing', 'manual')),
    CONSTRAINT ck_connector_basis CHECK (basis IN ('approved', 'published')),
    CONSTRAINT ck_connector_batch_size CHECK (batch_size BETWEEN 1 AND 50)
)
""",
    """
CREATE TABLE connector_item (
    city_code text NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    revision integer NOT NULL,
    indicator_code text NOT NULL,
    organization_code text NOT NULL,
    period text NOT NULL,
    withdrawn boolean NOT NULL,
    value numeric,
    level text,
    not_applicable_reason text,
    state text NOT NULL,
    missing text[] NOT NULL,
    payload jsonb,
    attempts integer NOT NULL,
    tries integer NOT NULL,
    batch_id uuid,
    next_attempt_at timestamptz NOT NULL,
    receipt text,
    refusal_code text,
    their_code text,
    their_words text,
    receipts integer NOT NULL,
    differs boolean NOT NULL,
    second_receipt jsonb,
    their_value text,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_connector_item PRIMARY KEY (city_code, id),
    CONSTRAINT fk_connector_item_city_code_connector FOREIGN KEY (city_code, connector_id)
        REFERENCES connector (city_code, id),
    CONSTRAINT ck_connector_item_state CHECK (state IN
        ('unmapped', 'pending', 'unknown', 'accepted', 'refused', 'failed', 'superseded')),
    CONSTRAINT ck_connector_item_says_what CHECK (
        withdrawn OR num_nonnulls(value, level, not_applicable_reason) >= 1)
)
""",
    """
CREATE UNIQUE INDEX uq_connector_item_revision ON connector_item
    (city_code, connector_id, submission_id, revision, withdrawn) WHERE state <> 'superseded'
""",
    """
CREATE INDEX ix_connector_item_place ON connector_item
    (city_code, connector_id, indicator_code, organization_code, period, id)
""",
    """
CREATE INDEX ix_connector_item_due ON connector_item
    (city_code, connector_id, next_attempt_at) WHERE state IN ('pending', 'unknown')
""",
    "CREATE INDEX ix_connector_item_list ON connector_item (city_code, connector_id, state, id)",
    """
CREATE TABLE connector_batch (
    city_code text NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    kind text NOT NULL,
    items integer NOT NULL,
    started_at timestamptz NOT NULL,
    outcome text,
    status_code integer,
    duration_ms integer,
    accepted integer NOT NULL,
    refused integer NOT NULL,
    unanswered integer NOT NULL,
    unasked integer NOT NULL,
    response_head text,
    CONSTRAINT pk_connector_batch PRIMARY KEY (city_code, id),
    CONSTRAINT ck_connector_batch_kind CHECK (kind IN ('report', 'query'))
)
""",
    "CREATE INDEX ix_connector_batch_connector ON connector_batch (city_code, connector_id, id)",
    """
CREATE TABLE connector_statement (
    city_code text NOT NULL,
    id uuid NOT NULL,
    connector_id uuid NOT NULL,
    period text NOT NULL,
    reference text NOT NULL,
    lines integer NOT NULL,
    uploaded_by jsonb NOT NULL,
    uploaded_at timestamptz NOT NULL,
    CONSTRAINT pk_connector_statement PRIMARY KEY (city_code, id)
)
""",
    """
CREATE INDEX ix_connector_statement_period ON connector_statement
    (city_code, connector_id, period, id)
""",
    """
CREATE TABLE connector_statement_line (
    city_code text NOT NULL,
    statement_id uuid NOT NULL,
    indicator_code text NOT NULL,
    organization_code text NOT NULL,
    figure text NOT NULL,
    CONSTRAINT pk_connector_statement_line PRIMARY KEY
        (city_code, statement_id, indicator_code, organization_code)
)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: nothing is reported any more, and what superiors said of it is forgotten."""
    for table in (
        "connector_statement_line",
        "connector_statement",
        "connector_batch",
        "connector_item",
        "connector",
    ):
        op.execute(f"DROP TABLE {table}")
