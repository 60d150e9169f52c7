"""Keep with an event the trace that it came about in, and with a worker's beat its clock.

Nothing is rewritten: the columns are empty where they were not known.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
works_since = "0014"

_ADDED = {
    "event": "traceparent text",
    "webhook_body": "traceparent text",
    "worker_heartbeat": "clock_ahead_seconds double precision",
}


def upgrade() -> None:
    for table, column in _ADDED.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def downgrade() -> None:
    for table, column in _ADDED.items():
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")
