"""Working days, and who owes which value by when."""

from alembic import op
from sqlalchemy import text

from services.core.calendars.seed import known_years

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PARTITIONED = (
    "obligation",
    "obligation_history",
)
_PARTITIONS = 4

_UP = """
CREATE TABLE calendar_year (
    city_code TEXT NOT NULL,
    calendar_code TEXT NOT NULL,
    year INTEGER NOT NULL,
    source TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_calendar_year PRIMARY KEY (city_code, calendar_code, year)
);

CREATE TABLE calendar_day (
    city_code TEXT NOT NULL,
    calendar_code TEXT NOT NULL,
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    note TEXT,
    source TEXT NOT NULL,
    CONSTRAINT pk_calendar_day PRIMARY KEY (city_code, calendar_code, day),
    CONSTRAINT ck_calendar_day_kind CHECK (kind IN ('workday', 'rest'))
);

CREATE TABLE calendar_history (
    city_code TEXT NOT NULL,
    calendar_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    years JSONB NOT NULL,
    actor JSONB NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_calendar_history PRIMARY KEY (city_code, calendar_code, version)
);

CREATE TABLE obligation (
    city_code TEXT NOT NULL,
    id UUID NOT NULL,
    plan_code TEXT NOT NULL,
    indicator_code TEXT NOT NULL,
    organization_code TEXT NOT NULL,
    period TEXT NOT NULL,
    state TEXT NOT NULL,
    due_date DATE NOT NULL,
    original_due_date DATE NOT NULL,
    epoch INTEGER NOT NULL,
    extensions INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_obligation PRIMARY KEY (city_code, id),
    CONSTRAINT ck_obligation_state CHECK (state IN ('owed', 'waived'))
) PARTITION BY HASH (city_code);
CREATE INDEX ix_obligation_due
    ON obligation (city_code, plan_code, due_date, id) WHERE state = 'owed';
CREATE INDEX ix_obligation_extended ON obligation (city_code, plan_code) WHERE extensions > 0;
CREATE INDEX ix_obligation_organization
    ON obligation (city_code, plan_code, organization_code, due_date, id);
CREATE UNIQUE INDEX uq_obligation_place
    ON obligation (city_code, plan_code, period, indicator_code, organization_code);

CREATE TABLE obligation_history (
    city_code TEXT NOT NULL,
    obligation_id UUID NOT NULL,
    version INTEGER NOT NULL,
    action TEXT NOT NULL,
    after JSONB NOT NULL,
    actor JSONB NOT NULL,
    reason TEXT,
    occurred_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_obligation_history PRIMARY KEY (city_code, obligation_id, version)
) PARTITION BY HASH (city_code);
"""

_FIRST_CALENDARS = text("""
WITH remembered AS (
    INSERT INTO calendar_history (city_code, calendar_code, version, years, actor, occurred_at)
    SELECT city_code, 'CN', 1, CAST(:years AS jsonb), '{"kind": "system", "name": "migration"}',
        now()
    FROM city RETURNING city_code, years, occurred_at
), years AS MATERIALIZED (
    SELECT r.city_code, y.key AS year, y.value->>'source' AS source, y.value->'days' AS days,
        r.occurred_at
    FROM remembered r CROSS JOIN LATERAL jsonb_each(r.years) y
), announced AS (
    INSERT INTO calendar_year (city_code, calendar_code, year, source, version, changed_at)
    SELECT city_code, 'CN', CAST(year AS integer), source, 1, occurred_at FROM years
)
INSERT INTO calendar_day (city_code, calendar_code, day, kind, note, source)
SELECT city_code, 'CN', CAST(d->>'date' AS date), d->>'kind', d->>'note', source
FROM years CROSS JOIN LATERAL jsonb_array_elements(days) d
""")
"""What loading its first plan gives a city from now on, for the cities that have one already."""

_DOWN = """
DROP TABLE obligation_history;
DROP TABLE obligation;
DROP TABLE calendar_history;
DROP TABLE calendar_day;
DROP TABLE calendar_year;
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
    op.execute(_FIRST_CALENDARS.bindparams(years=known_years()))


def downgrade() -> None:
    """Take the tables away again, with what is in them."""
    for statement in _DOWN.split(";\n"):
        if statement.strip():
            op.execute(statement)
