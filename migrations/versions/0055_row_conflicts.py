"""Conflicts over rows of registers: what a device said and what the ledger says.

A new table only: a process of the release before knows nothing of it, and takes in no write of a
device on a row.
"""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE register_row_conflict (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        register_code TEXT NOT NULL,
        row_id UUID NOT NULL,
        organization_code TEXT NOT NULL,
        title TEXT NOT NULL,
        columns TEXT[] NOT NULL,
        base JSONB NOT NULL,
        ledger JSONB NOT NULL,
        device JSONB NOT NULL,
        claimed_at TIMESTAMP WITH TIME ZONE,
        raised_by JSONB NOT NULL,
        raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT NOT NULL,
        taken TEXT,
        decision_reason TEXT,
        decided_by JSONB,
        decided_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        CONSTRAINT pk_register_row_conflict PRIMARY KEY (city_code, id),
        CONSTRAINT ck_register_row_conflict_state CHECK (state IN ('open', 'decided')),
        CONSTRAINT ck_register_row_conflict_taken CHECK (taken IN ('ledger', 'device')),
        CONSTRAINT ck_register_row_conflict_taken_when_decided
            CHECK ((state = 'decided') = (taken IS NOT NULL))
    )
    """,
    """
    CREATE INDEX ix_register_row_conflict_plan
        ON register_row_conflict (city_code, plan_code, id)
    """,
    """
    CREATE INDEX ix_register_row_conflict_row ON register_row_conflict (city_code, row_id, id)
    """,
    """
    CREATE INDEX ix_register_row_conflict_open
        ON register_row_conflict (city_code, plan_code, organization_code) WHERE state = 'open'
    """,
)


def upgrade() -> None:
    """Add a table."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it again."""
    op.execute("DROP TABLE register_row_conflict")
