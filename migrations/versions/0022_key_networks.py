"""Keys: from which networks, the network of the latest use, a version, and former secrets.

What was there gets the values that mean what held before: from everywhere, version 1. A process
of the release before writes keys without them and goes on.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
works_since = "0014"

_STATEMENTS = (
    "ALTER TABLE api_key ADD COLUMN allowed_networks TEXT[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE api_key ADD COLUMN last_used_from TEXT",
    "ALTER TABLE api_key ADD COLUMN version INTEGER NOT NULL DEFAULT 1",
    """
    CREATE TABLE former_secret (
        city_code TEXT NOT NULL,
        secret_digest BYTEA NOT NULL,
        key_id UUID NOT NULL,
        prefix TEXT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_former_secret PRIMARY KEY (city_code, secret_digest)
    )
    """,
    "CREATE INDEX ix_former_secret_key ON former_secret (city_code, key_id)",
)


def upgrade() -> None:
    """Add three columns to keys, and a table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again: every secret that was replaced ends."""
    op.execute("DROP TABLE former_secret")
    for name in ("version", "last_used_from", "allowed_networks"):
        op.execute(f"ALTER TABLE api_key DROP COLUMN {name}")
