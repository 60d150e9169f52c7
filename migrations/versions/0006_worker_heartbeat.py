"""Worker heartbeats: when each worker last went round, told in Postgres."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; it is empty until a worker goes round."""
    op.execute("""
        CREATE TABLE worker_heartbeat (
            city_code TEXT NOT NULL,
            worker_id UUID NOT NULL,
            beat_at TIMESTAMPTZ NOT NULL,
            CONSTRAINT pk_worker_heartbeat PRIMARY KEY (city_code, worker_id)
        )
    """)


def downgrade() -> None:
    """Drop the table; nothing but the readiness reads it."""
    op.execute("DROP TABLE worker_heartbeat")
