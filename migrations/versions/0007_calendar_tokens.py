"""Tokens that open a calendar of deadlines, and who leads what, found by what is led."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE calendar_token (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    scope TEXT NOT NULL,
    organization_code TEXT,
    credential_id UUID NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    secret_digest BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    CONSTRAINT pk_calendar_token PRIMARY KEY (city_code, id),
    CONSTRAINT ck_calendar_token_scope CHECK (scope IN ('unit', 'plan', 'person'))
);
CREATE UNIQUE INDEX uq_calendar_token_secret_digest ON calendar_token (city_code, secret_digest);
CREATE INDEX ix_calendar_token_credential ON calendar_token (city_code, credential_id, id);

CREATE INDEX ix_indicator_lead_indicator ON indicator_lead (city_code, plan_code, indicator_code);
CREATE INDEX ix_measure_unit_measure ON measure_unit (city_code, plan_code, measure_code);
"""


def upgrade() -> None:
    """Add a table and two small indexes; nothing that runs already uses them."""
    for statement in _UP.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Take the table away again; every subscription ends."""
    op.execute("DROP TABLE calendar_token")
    op.execute("DROP INDEX ix_indicator_lead_indicator")
    op.execute("DROP INDEX ix_measure_unit_measure")
