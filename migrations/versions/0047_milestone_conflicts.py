"""Conflicts over milestones: what a device said and what the ledger says.

A new table only: a process of the release before knows nothing of it, refuses what would be a
conflict as ever, and goes on.
"""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE milestone_conflict (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        milestone_id UUID NOT NULL,
        measure_code TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        title TEXT NOT NULL,
        verb TEXT NOT NULL,
        reason TEXT NOT NULL,
        fields TEXT[] NOT NULL,
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
        CONSTRAINT pk_milestone_conflict PRIMARY KEY (city_code, id),
        CONSTRAINT ck_milestone_conflict_verb CHECK (verb IN ('progress', 'complete')),
        CONSTRAINT ck_milestone_conflict_reason CHECK (reason IN ('both-changed', 'moved-on')),
        CONSTRAINT ck_milestone_conflict_state CHECK (state IN ('open', 'decided')),
        CONSTRAINT ck_milestone_conflict_taken CHECK (taken IN ('ledger', 'device')),
        CONSTRAINT ck_milestone_conflict_taken_when_decided
            CHECK ((state = 'decided') = (taken IS NOT NULL))
    )
    """,
    "CREATE INDEX ix_milestone_conflict_plan ON milestone_conflict (city_code, plan_code, id)",
    """
    CREATE INDEX ix_milestone_conflict_milestone
        ON milestone_conflict (city_code, milestone_id, id)
    """,
    """
    CREATE INDEX ix_milestone_conflict_open
        ON milestone_conflict (city_code, plan_code, organization_code) WHERE state = 'open'
    """,
)


def upgrade() -> None:
    """Add a table."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it again."""
    op.execute("DROP TABLE milestone_conflict")
