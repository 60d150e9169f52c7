"""Registers: rows that units keep, every change of them, and who leads which register.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE register_lead (
        city_code TEXT NOT NULL,
        plan_code TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        register_code TEXT NOT NULL,
        CONSTRAINT pk_register_lead
            PRIMARY KEY (city_code, plan_code, organization_code, register_code),
        CONSTRAINT fk_register_lead_city_code_plan_code_plan
            FOREIGN KEY (city_code, plan_code) REFERENCES plan (city_code, code)
    )
    """,
    """
    CREATE TABLE register_row (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        register_code TEXT NOT NULL,
        key TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        state TEXT NOT NULL,
        cells JSONB NOT NULL,
        counted JSONB,
        valid_from DATE,
        valid_to DATE,
        ended_on DATE,
        reason TEXT,
        authors JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        CONSTRAINT pk_register_row PRIMARY KEY (city_code, id),
        CONSTRAINT ck_register_row_state CHECK
            (state IN ('draft', 'confirmed', 'ended', 'revoked', 'withdrawn')),
        CONSTRAINT ck_register_row_ended_on_a_day CHECK
            ((state IN ('ended', 'revoked')) = (ended_on IS NOT NULL)),
        CONSTRAINT ck_register_row_confirmed_counts CHECK
            (state IN ('draft', 'withdrawn') OR counted IS NOT NULL)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_register_row_key ON register_row
        (city_code, plan_code, register_code, key) WHERE state IN ('draft', 'confirmed')
    """,
    """
    CREATE INDEX ix_register_row_register ON register_row
        (city_code, plan_code, register_code, id)
    """,
    """
    CREATE TABLE register_row_history (
        city_code TEXT NOT NULL,
        row_id UUID NOT NULL,
        version INTEGER NOT NULL,
        action TEXT NOT NULL,
        after JSONB NOT NULL,
        actor JSONB NOT NULL,
        reason TEXT,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_register_row_history PRIMARY KEY (city_code, row_id, version)
    )
    """,
)


def upgrade() -> None:
    """Add three tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again."""
    for table in ("register_row_history", "register_row", "register_lead"):
        op.execute(f"DROP TABLE {table}")
