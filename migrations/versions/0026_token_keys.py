"""Keys that access tokens are signed with, and those that foreign issuers publish.

Both are the installation's and of no city. A process of the release before knows nothing of them.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
works_since = "0014"

_STATEMENTS = (
    """
    CREATE TABLE token_key (
        number INTEGER NOT NULL,
        kid TEXT NOT NULL,
        public_key JSONB NOT NULL,
        private_key_sealed BYTEA NOT NULL,
        signs_from TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_token_key PRIMARY KEY (number)
    )
    """,
    """
    CREATE TABLE issuer_keys (
        issuer TEXT NOT NULL,
        keys JSONB NOT NULL,
        fetched_at TIMESTAMP WITH TIME ZONE,
        tried_at TIMESTAMP WITH TIME ZONE NOT NULL,
        fault TEXT,
        CONSTRAINT pk_issuer_keys PRIMARY KEY (issuer)
    )
    """,
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: every token ends."""
    for table in ("issuer_keys", "token_key"):
        op.execute(f"DROP TABLE {table}")
