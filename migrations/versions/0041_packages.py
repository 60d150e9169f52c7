"""Packages that are carried by hand to installations without a network, and their receipts.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE package_peer (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    own_code text NOT NULL,
    peer_code text NOT NULL,
    key_id uuid,
    secret_sealed bytea,
    public_keys text[] NOT NULL,
    out_number integer NOT NULL,
    out_digest text NOT NULL,
    out_position bigint NOT NULL,
    in_number integer NOT NULL,
    in_digest text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_package_peer PRIMARY KEY (city_code, id)
)
""",
    "CREATE UNIQUE INDEX uq_package_peer_code ON package_peer (city_code, plan_code, peer_code)",
    """
CREATE TABLE carried_package (
    city_code text NOT NULL,
    id uuid NOT NULL,
    peer_id uuid NOT NULL,
    direction text NOT NULL,
    number integer NOT NULL,
    digest text NOT NULL,
    file_name text NOT NULL,
    items integer NOT NULL,
    content bytea,
    receipt bytea,
    counts jsonb,
    made_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_carried_package PRIMARY KEY (city_code, id),
    CONSTRAINT fk_carried_package_city_code_package_peer FOREIGN KEY (city_code, peer_id)
        REFERENCES package_peer (city_code, id),
    CONSTRAINT ck_carried_package_direction CHECK (direction IN ('in', 'out')),
    CONSTRAINT ck_carried_package_answered CHECK (direction = 'out' OR receipt IS NOT NULL),
    CONSTRAINT ck_carried_package_kept CHECK (content IS NOT NULL OR receipt IS NOT NULL),
    CONSTRAINT ck_carried_package_settled CHECK ((receipt IS NULL) = (settled_at IS NULL))
)
""",
    """
CREATE UNIQUE INDEX uq_carried_package_number
    ON carried_package (city_code, peer_id, direction, number)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: what was carried is forgotten, what it wrote stays."""
    op.execute("DROP TABLE carried_package")
    op.execute("DROP TABLE package_peer")
