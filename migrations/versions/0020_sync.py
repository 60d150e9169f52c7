"""Writes that devices made, conflicts between them and the ledger, and when they say it was.

A process of the release before writes none of it and goes on.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
works_since = "0014"

_STATEMENTS = (
    """
    CREATE TABLE synced_write (
        city_code TEXT NOT NULL,
        credential_id UUID NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject_id UUID NOT NULL,
        said JSONB NOT NULL,
        digest BYTEA NOT NULL,
        claimed_at TIMESTAMP WITH TIME ZONE,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome TEXT,
        result JSONB,
        CONSTRAINT pk_synced_write PRIMARY KEY (city_code, credential_id, id)
    )
    """,
    "CREATE INDEX ix_synced_write_received ON synced_write (city_code, received_at)",
    """
    CREATE INDEX ix_synced_write_refused ON synced_write (city_code, credential_id, received_at)
        WHERE outcome = 'refused'
    """,
    """
    CREATE TABLE conflict (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        submission_id UUID NOT NULL,
        indicator_code TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        period TEXT NOT NULL,
        reason TEXT NOT NULL,
        fields TEXT[] NOT NULL,
        base JSONB,
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
        CONSTRAINT pk_conflict PRIMARY KEY (city_code, id),
        CONSTRAINT ck_conflict_state CHECK (state IN ('open', 'decided')),
        CONSTRAINT ck_conflict_reason
            CHECK (reason IN ('both-changed', 'moved-on', 'place-taken')),
        CONSTRAINT ck_conflict_taken CHECK (taken IN ('ledger', 'device')),
        CONSTRAINT ck_conflict_taken_when_decided
            CHECK ((state = 'decided') = (taken IS NOT NULL))
    )
    """,
    "CREATE INDEX ix_conflict_plan ON conflict (city_code, plan_code, id)",
    "CREATE INDEX ix_conflict_submission ON conflict (city_code, submission_id)",
    """
    CREATE INDEX ix_conflict_open ON conflict (city_code, plan_code, organization_code)
        WHERE state = 'open'
    """,
    "ALTER TABLE submission_history ADD COLUMN claimed_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE submission_history ADD COLUMN counts_from TIMESTAMP WITH TIME ZONE",
)


def upgrade() -> None:
    """Add two tables, and two columns to the history."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again."""
    for name in ("claimed_at", "counts_from"):
        op.execute(f"ALTER TABLE submission_history DROP COLUMN {name}")
    for table in ("conflict", "synced_write"):
        op.execute(f"DROP TABLE {table}")
