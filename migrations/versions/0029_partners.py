"""Partners that call through gateways: their secrets, used nonces, and how they call.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE partner (
    city_code text NOT NULL,
    id uuid NOT NULL,
    app_id text NOT NULL,
    name text NOT NULL,
    profile text NOT NULL,
    key_id uuid NOT NULL,
    allowed_networks text[] NOT NULL,
    interfaces text[] NOT NULL,
    output_fields text[] NOT NULL,
    per_minute integer NOT NULL,
    per_day integer NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_call_at timestamptz,
    calls bigint NOT NULL,
    faults bigint NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_partner PRIMARY KEY (city_code, id),
    CONSTRAINT ck_partner_per_minute CHECK (per_minute > 0),
    CONSTRAINT ck_partner_per_day CHECK (per_day > 0)
)
""",
    "CREATE UNIQUE INDEX uq_partner_app_id ON partner (city_code, app_id)",
    """
CREATE TABLE partner_secret (
    city_code text NOT NULL,
    id uuid NOT NULL,
    partner_id uuid NOT NULL,
    secret_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT pk_partner_secret PRIMARY KEY (city_code, id),
    CONSTRAINT fk_partner_secret_city_code_partner FOREIGN KEY (city_code, partner_id)
        REFERENCES partner (city_code, id) ON DELETE CASCADE
)
""",
    "CREATE INDEX ix_partner_secret_partner ON partner_secret (city_code, partner_id)",
    """
CREATE TABLE partner_nonce (
    city_code text NOT NULL,
    partner_id uuid NOT NULL,
    digest bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_partner_nonce PRIMARY KEY (city_code, partner_id, digest)
)
""",
    "CREATE INDEX ix_partner_nonce_expires_at ON partner_nonce (city_code, expires_at)",
    """
CREATE TABLE partner_use (
    city_code text NOT NULL,
    partner_id uuid NOT NULL,
    day date NOT NULL,
    interface text NOT NULL,
    calls bigint NOT NULL,
    faults bigint NOT NULL,
    bytes_in bigint NOT NULL,
    bytes_out bigint NOT NULL,
    times bigint[] NOT NULL,
    last_call_at timestamptz NOT NULL,
    CONSTRAINT pk_partner_use PRIMARY KEY (city_code, partner_id, day, interface)
)
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: no partner can call any more."""
    for table in ("partner_use", "partner_nonce", "partner_secret", "partner"):
        op.execute(f"DROP TABLE {table}")
