"""Reminders of the office to units that have not reported, at most one a unit, period and day.

A new table only: a process of the release before knows nothing of it and goes on.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE reminder (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    period text NOT NULL,
    organization_code text NOT NULL,
    day date NOT NULL,
    indicator_codes text[] NOT NULL,
    due_date date NOT NULL,
    note text,
    actor jsonb NOT NULL,
    reminded_at timestamptz NOT NULL,
    CONSTRAINT pk_reminder PRIMARY KEY (city_code, id)
)
""",
    """
CREATE UNIQUE INDEX uq_reminder_day
    ON reminder (city_code, plan_code, period, organization_code, day)
""",
    "CREATE INDEX ix_reminder_period ON reminder (city_code, plan_code, period, id)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it: who was reminded is told by the log alone."""
    op.execute("DROP TABLE reminder")
