"""Exchange tables of a front-end server: how far a plan was written, and every row either way.

New tables only: a process of the release before knows nothing of them and goes on. The exchange
tables themselves are in another database (`deploy/exchange.sql`).
"""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE exchange_channel (
    city_code text NOT NULL,
    plan_code text NOT NULL,
    key_id uuid,
    position bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_exchange_channel PRIMARY KEY (city_code, plan_code)
)
""",
    """
CREATE TABLE exchanged_row (
    city_code text NOT NULL,
    plan_code text NOT NULL,
    direction text NOT NULL,
    ex_id text NOT NULL,
    biz_key text NOT NULL,
    ver bigint NOT NULL,
    row_hash text NOT NULL,
    outcome text,
    message text,
    exchanged_at timestamptz NOT NULL,
    CONSTRAINT pk_exchanged_row PRIMARY KEY (city_code, plan_code, direction, ex_id),
    CONSTRAINT ck_exchanged_row_direction CHECK (direction IN ('in', 'out')),
    CONSTRAINT ck_exchanged_row_outcome CHECK ((direction = 'in') = (outcome IS NOT NULL))
)
""",
    """
CREATE INDEX ix_exchanged_row_key
    ON exchanged_row (city_code, plan_code, direction, biz_key, ver)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: rows that were exchanged stay where they are."""
    op.execute("DROP TABLE exchanged_row")
    op.execute("DROP TABLE exchange_channel")
