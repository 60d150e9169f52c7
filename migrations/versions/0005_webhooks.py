"""Webhook endpoints with their secrets, deliveries and attempts; long work."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PARTITIONED = (
    "webhook_body",
    "webhook_delivery",
    "webhook_attempt",
)
_PARTITIONS = 4

_UP = """
CREATE TABLE operation (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    credential_id UUID NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    request JSONB NOT NULL,
    progress JSONB NOT NULL,
    result JSONB,
    errors JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_operation PRIMARY KEY (city_code, id),
    CONSTRAINT ck_operation_state
        CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled'))
);

CREATE TABLE webhook_endpoint (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT,
    organization_code TEXT,
    url_sealed BYTEA NOT NULL,
    url_shown TEXT NOT NULL,
    host TEXT NOT NULL,
    format TEXT NOT NULL,
    signature TEXT NOT NULL,
    event_types TEXT[] NOT NULL,
    headers_sealed BYTEA NOT NULL,
    header_names TEXT[] NOT NULL,
    description TEXT,
    rate_per_minute INTEGER,
    state TEXT NOT NULL,
    state_reason TEXT,
    owner_credential_id UUID NOT NULL,
    owner JSONB NOT NULL,
    planned_from BIGINT NOT NULL,
    failing_since TIMESTAMPTZ,
    warned SMALLINT NOT NULL,
    consecutive_failures INTEGER NOT NULL,
    paused_until TIMESTAMPTZ,
    tokens NUMERIC NOT NULL,
    tokens_at TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_webhook_endpoint PRIMARY KEY (city_code, id),
    CONSTRAINT ck_webhook_endpoint_format
        CHECK (format IN ('standard', 'dingtalk', 'wecom', 'feishu')),
    CONSTRAINT ck_webhook_endpoint_signature CHECK (signature IN ('v1', 'v1a')),
    CONSTRAINT ck_webhook_endpoint_state
        CHECK (state IN ('active', 'failing', 'disabled')),
    CONSTRAINT ck_webhook_endpoint_state_reason
        CHECK ((state = 'disabled') = (state_reason IS NOT NULL)
            AND state_reason IN ('gone', 'failing', 'manual', 'scope-lost')),
    CONSTRAINT ck_webhook_endpoint_rate_per_minute CHECK (rate_per_minute > 0)
);

CREATE TABLE webhook_secret (
    city_code TEXT NOT NULL,
    endpoint_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    public_key TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    CONSTRAINT pk_webhook_secret PRIMARY KEY (city_code, endpoint_id, id),
    CONSTRAINT fk_webhook_secret_city_code_endpoint_id_webhook_endpoint
        FOREIGN KEY(city_code, endpoint_id)
        REFERENCES webhook_endpoint (city_code, id) ON DELETE CASCADE,
    CONSTRAINT ck_webhook_secret_kind CHECK (kind IN ('v1', 'v1a'))
);

CREATE TABLE webhook_body (
    city_code TEXT NOT NULL,
    event_id UUID NOT NULL,
    body BYTEA NOT NULL,
    CONSTRAINT pk_webhook_body PRIMARY KEY (city_code, event_id)
) PARTITION BY HASH (city_code);

CREATE TABLE webhook_delivery (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    event_id UUID NOT NULL,
    position BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_before INTEGER NOT NULL,
    next_attempt_at TIMESTAMPTZ NOT NULL,
    lease_token UUID,
    lease_until TIMESTAMPTZ,
    manual BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    settled_at TIMESTAMPTZ,
    CONSTRAINT pk_webhook_delivery PRIMARY KEY (city_code, id),
    CONSTRAINT ck_webhook_delivery_state
        CHECK (state IN ('pending', 'delivered', 'failed', 'cancelled'))
) PARTITION BY HASH (city_code);
CREATE UNIQUE INDEX uq_webhook_delivery_position
    ON webhook_delivery (city_code, endpoint_id, position);
CREATE INDEX ix_webhook_delivery_due
    ON webhook_delivery (city_code, endpoint_id, next_attempt_at)
    WHERE state = 'pending';

CREATE TABLE webhook_attempt (
    city_code TEXT NOT NULL,
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    lease_until TIMESTAMPTZ NOT NULL,
    outcome TEXT,
    status_code INTEGER,
    duration_ms INTEGER,
    response_head TEXT,
    request_head JSONB,
    CONSTRAINT pk_webhook_attempt PRIMARY KEY (city_code, delivery_id, number)
) PARTITION BY HASH (city_code);
"""

_DOWN = """
DROP TABLE webhook_attempt;
DROP TABLE webhook_delivery;
DROP TABLE webhook_body;
DROP TABLE webhook_secret;
DROP TABLE webhook_endpoint;
DROP TABLE operation;
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
