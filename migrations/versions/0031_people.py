"""People, the posts that they hold with dates, and their sign-ins.

A person's time in a post has a row among the credentials, so that all that is done by a key is done
by a post in the same way. New tables and a column that may be null: a process of the release before
goes on, and lists such a credential as a key that nobody can use.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE person (
    city_code text NOT NULL,
    id uuid NOT NULL,
    username text,
    name text,
    password_hash text,
    password_set_at timestamptz,
    former_passwords text[] NOT NULL,
    totp_sealed bytea,
    totp_pending_sealed bytea,
    totp_step bigint NOT NULL,
    recovery_digests bytea[] NOT NULL,
    failures integer NOT NULL,
    locked_until timestamptz,
    invitation_digest bytea,
    invitation_until timestamptz,
    created_at timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    ended_at timestamptz,
    erased_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (city_code, id),
    CONSTRAINT fk_person_city_code_city FOREIGN KEY (city_code) REFERENCES city (city_code),
    CONSTRAINT ck_person_erased_wholly CHECK (
        erased_at IS NULL OR (ended_at IS NOT NULL AND username IS NULL AND name IS NULL
            AND password_hash IS NULL AND totp_sealed IS NULL))
)
""",
    "CREATE UNIQUE INDEX uq_person_username ON person (city_code, username)",
    "CREATE UNIQUE INDEX uq_person_invitation_digest ON person (city_code, invitation_digest)",
    """
CREATE TABLE post (
    city_code text NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    role text NOT NULL,
    organization_code text,
    plan_code text,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_post PRIMARY KEY (city_code, id),
    CONSTRAINT fk_post_city_code_city FOREIGN KEY (city_code) REFERENCES city (city_code)
)
""",
    """
CREATE TABLE tenure (
    city_code text NOT NULL,
    id uuid NOT NULL,
    post_id uuid NOT NULL,
    person_id uuid NOT NULL,
    since date NOT NULL,
    until date,
    ended_at timestamptz,
    CONSTRAINT pk_tenure PRIMARY KEY (city_code, id),
    CONSTRAINT fk_tenure_city_code_post FOREIGN KEY (city_code, post_id)
        REFERENCES post (city_code, id),
    CONSTRAINT fk_tenure_city_code_person FOREIGN KEY (city_code, person_id)
        REFERENCES person (city_code, id)
)
""",
    "CREATE INDEX ix_tenure_person ON tenure (city_code, person_id, id)",
    "CREATE INDEX ix_tenure_post ON tenure (city_code, post_id, id)",
    """
CREATE TABLE sign_in (
    city_code text NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    tenure_id uuid NOT NULL,
    device_name text,
    device_key jsonb,
    network text,
    started_at timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    idle_until timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,
    CONSTRAINT pk_sign_in PRIMARY KEY (city_code, id),
    CONSTRAINT ck_sign_in_ended_for_a_reason CHECK (
        (ended_at IS NULL) = (ended_because IS NULL))
)
""",
    "CREATE INDEX ix_sign_in_person ON sign_in (city_code, person_id, id)",
    "CREATE INDEX ix_sign_in_tenure ON sign_in (city_code, tenure_id) WHERE ended_at IS NULL",
    """
CREATE TABLE refresh_token (
    city_code text NOT NULL,
    digest bytea NOT NULL,
    sign_in_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_refresh_token PRIMARY KEY (city_code, digest)
)
""",
    "CREATE INDEX ix_refresh_token_sign_in ON refresh_token (city_code, sign_in_id)",
    "ALTER TABLE api_key ADD COLUMN person_id uuid",
    # Keys of security administrators could do nothing so far; now there is what they are for.
    """
UPDATE api_key SET scopes = '{keys:write,users:write}'
WHERE role = 'security_admin' AND scopes = '{}'
""",
)


def upgrade() -> None:
    """Add the tables and the column."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: nobody is signed in any more, and what people did keeps their posts' names."""
    op.execute("DELETE FROM api_key WHERE person_id IS NOT NULL")
    op.execute("UPDATE api_key SET scopes = '{}' WHERE role = 'security_admin'")
    op.execute("ALTER TABLE api_key DROP COLUMN person_id")
    for table in ("refresh_token", "sign_in", "tenure", "post", "person"):
        op.execute(f"DROP TABLE {table}")
