"""Government apps that say who signs in, accounts there that are linked, and partners' SM2 keys.

New tables and columns that may be null: a process of the release before goes on, its sessions name
no provider, and it knows no partner whose requests stand in an envelope.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE sign_in_provider (
    city_code text NOT NULL,
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    family text NOT NULL,
    base_url text NOT NULL,
    app_id text NOT NULL,
    module_id text,
    secrets_sealed bytea,
    link_key_sealed bytea,
    token_sealed bytea,
    token_until timestamptz,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT pk_sign_in_provider PRIMARY KEY (city_code, id),
    CONSTRAINT fk_sign_in_provider_city_code_city FOREIGN KEY (city_code)
        REFERENCES city (city_code),
    CONSTRAINT ck_sign_in_provider_ended_without_secrets CHECK (
        (ended_at IS NULL) = (secrets_sealed IS NOT NULL AND link_key_sealed IS NOT NULL))
)
""",
    """
CREATE UNIQUE INDEX uq_sign_in_provider_code ON sign_in_provider (city_code, code)
WHERE ended_at IS NULL
""",
    """
CREATE TABLE linked_account (
    city_code text NOT NULL,
    person_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    digest bytea NOT NULL,
    linked_at timestamptz NOT NULL,
    CONSTRAINT pk_linked_account PRIMARY KEY (city_code, person_id, provider_id),
    CONSTRAINT fk_linked_account_city_code_sign_in_provider FOREIGN KEY (city_code, provider_id)
        REFERENCES sign_in_provider (city_code, id),
    CONSTRAINT fk_linked_account_city_code_person FOREIGN KEY (city_code, person_id)
        REFERENCES person (city_code, id)
)
""",
    """
CREATE UNIQUE INDEX uq_linked_account_digest ON linked_account (city_code, provider_id, digest)
""",
    "ALTER TABLE sign_in ADD COLUMN provider text",
    """
ALTER TABLE partner ADD COLUMN sm_public_key text, ADD COLUMN own_sm_public_key text,
    ADD COLUMN sm_private_sealed bytea
""",
)


def upgrade() -> None:
    """Add the tables and the columns."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: nobody signs in by an app, and partners with an envelope call no more."""
    op.execute("DELETE FROM partner WHERE profile = 'tif-sm'")
    op.execute(
        "ALTER TABLE partner DROP COLUMN sm_public_key, DROP COLUMN own_sm_public_key,"
        " DROP COLUMN sm_private_sealed"
    )
    op.execute("ALTER TABLE sign_in DROP COLUMN provider")
    for table in ("linked_account", "sign_in_provider"):
        op.execute(f"DROP TABLE {table}")
