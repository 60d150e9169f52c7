"""Links that show a plan's board to whoever has their address, until their end.

A new table only: a process of the release before knows nothing of it and goes on.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE board_link (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_digest bytea NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT pk_board_link PRIMARY KEY (city_code, id),
    CONSTRAINT ck_board_link_ends_later CHECK (expires_at > created_at)
)
""",
    "CREATE UNIQUE INDEX uq_board_link_secret_digest ON board_link (city_code, secret_digest)",
    "CREATE INDEX ix_board_link_plan ON board_link (city_code, plan_code, id)",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it: nobody has a link any more."""
    op.execute("DROP TABLE board_link")
