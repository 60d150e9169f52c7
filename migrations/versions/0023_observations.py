"""What other sources say of figures, and conflicts between that and the official ones.

A process of the release before writes none of it and goes on: a conflict that it raises is of a
device.
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
    CREATE TABLE observation (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        source_code TEXT NOT NULL,
        indicator_code TEXT NOT NULL,
        organization_code TEXT NOT NULL,
        period TEXT NOT NULL,
        reference TEXT NOT NULL,
        value NUMERIC,
        numerator NUMERIC,
        denominator NUMERIC,
        level TEXT,
        not_applicable_reason TEXT,
        observed_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        recorded_by JSONB NOT NULL,
        recorded_by_organization TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        CONSTRAINT pk_observation PRIMARY KEY (city_code, id),
        CONSTRAINT ck_observation_one_form CHECK
            ((value IS NOT NULL OR level IS NOT NULL) <> (not_applicable_reason IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_observation_place ON observation
        (city_code, plan_code, indicator_code, organization_code, period, source_code)
    """,
    "CREATE INDEX ix_observation_plan ON observation (city_code, plan_code, id)",
    """
    CREATE TABLE observation_history (
        city_code TEXT NOT NULL,
        observation_id UUID NOT NULL,
        version INTEGER NOT NULL,
        reference TEXT NOT NULL,
        action TEXT NOT NULL,
        after JSONB NOT NULL,
        actor JSONB NOT NULL,
        reason TEXT,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_observation_history PRIMARY KEY (city_code, observation_id, version)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_observation_history_reference ON observation_history
        (city_code, observation_id, reference)
    """,
    """
    ALTER TABLE conflict
        ADD COLUMN kind TEXT NOT NULL DEFAULT 'device',
        ADD COLUMN observation_id UUID,
        ADD COLUMN observed JSONB,
        ADD COLUMN difference NUMERIC,
        ADD COLUMN allowed NUMERIC,
        ADD COLUMN owner_code TEXT,
        ADD COLUMN due_date DATE,
        ADD COLUMN closed_because TEXT,
        ADD COLUMN closed_at TIMESTAMP WITH TIME ZONE,
        DROP CONSTRAINT ck_conflict_state,
        DROP CONSTRAINT ck_conflict_reason,
        DROP CONSTRAINT ck_conflict_taken,
        ADD CONSTRAINT ck_conflict_state CHECK (state IN ('open', 'decided', 'closed')),
        ADD CONSTRAINT ck_conflict_reason CHECK
            (reason IN ('both-changed', 'moved-on', 'place-taken', 'over-tolerance')),
        ADD CONSTRAINT ck_conflict_taken CHECK
            (taken IN ('ledger', 'device', 'observation', 'both')),
        ADD CONSTRAINT ck_conflict_kind CHECK (kind IN ('device', 'observation')),
        ADD CONSTRAINT ck_conflict_of_an_observation CHECK (
            (kind = 'observation') = (observation_id IS NOT NULL)
            AND (kind = 'observation') = (observed IS NOT NULL)
            AND (kind = 'observation') = (due_date IS NOT NULL)),
        ADD CONSTRAINT ck_conflict_closed_for_a_reason CHECK (
            (state = 'closed') = (closed_because IS NOT NULL)
            AND (state = 'closed') = (closed_at IS NOT NULL))
    """,
    """
    CREATE UNIQUE INDEX uq_conflict_open_observation ON conflict (city_code, observation_id)
        WHERE state = 'open' AND observation_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_conflict_observation ON conflict (city_code, observation_id, id)
        WHERE observation_id IS NOT NULL
    """,
)

_DOWN = (
    "DROP INDEX ix_conflict_observation",
    "DROP INDEX uq_conflict_open_observation",
    "DELETE FROM conflict WHERE kind = 'observation'",
    """
    ALTER TABLE conflict
        DROP CONSTRAINT ck_conflict_closed_for_a_reason,
        DROP CONSTRAINT ck_conflict_of_an_observation,
        DROP CONSTRAINT ck_conflict_kind,
        DROP CONSTRAINT ck_conflict_taken,
        DROP CONSTRAINT ck_conflict_reason,
        DROP CONSTRAINT ck_conflict_state,
        ADD CONSTRAINT ck_conflict_state CHECK (state IN ('open', 'decided')),
        ADD CONSTRAINT ck_conflict_reason
            CHECK (reason IN ('both-changed', 'moved-on', 'place-taken')),
        ADD CONSTRAINT ck_conflict_taken CHECK (taken IN ('ledger', 'device')),
        DROP COLUMN kind, DROP COLUMN observation_id, DROP COLUMN observed,
        DROP COLUMN difference, DROP COLUMN allowed, DROP COLUMN owner_code,
        DROP COLUMN due_date, DROP COLUMN closed_because, DROP COLUMN closed_at
    """,
    "DROP TABLE observation_history",
    "DROP TABLE observation",
)


def upgrade() -> None:
    """Add two tables, and to conflicts what one with an observation says."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again, with the conflicts that nothing could tell any more."""
    for statement in _DOWN:
        op.execute(statement)
