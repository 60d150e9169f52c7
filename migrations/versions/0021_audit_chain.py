"""The audit's chain: links over the log and the entries, what waits for one, and signed heads.

Entries that are there already wait for their link, and so do the events: the chain begins with the
first of the log. What a process of the release before writes meanwhile is taken in before the next
head is kept.
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
works_since = "0014"

_STATEMENTS = (
    """
    CREATE TABLE audit_pending (
        city_code TEXT NOT NULL,
        entry_id UUID NOT NULL,
        CONSTRAINT pk_audit_pending PRIMARY KEY (city_code, entry_id)
    )
    """,
    """
    CREATE TABLE audit_link (
        city_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        kind TEXT NOT NULL,
        row_id UUID NOT NULL,
        position BIGINT,
        row_digest BYTEA NOT NULL,
        digest BYTEA NOT NULL,
        CONSTRAINT pk_audit_link PRIMARY KEY (city_code, number),
        CONSTRAINT ck_audit_link_kind CHECK (kind IN ('event', 'entry')),
        CONSTRAINT ck_audit_link_position_of_an_event
            CHECK ((kind = 'event') = (position IS NOT NULL))
    )
    """,
    "CREATE UNIQUE INDEX uq_audit_link_row_id ON audit_link (city_code, row_id)",
    """
    CREATE TABLE audit_head (
        city_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        digest BYTEA NOT NULL,
        CONSTRAINT pk_audit_head PRIMARY KEY (city_code)
    )
    """,
    """
    CREATE TABLE audit_checkpoint (
        city_code TEXT NOT NULL,
        day DATE NOT NULL,
        number BIGINT NOT NULL,
        digest BYTEA NOT NULL,
        kept_from UUID,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        public_key BYTEA,
        signature BYTEA,
        CONSTRAINT pk_audit_checkpoint PRIMARY KEY (city_code, day),
        CONSTRAINT ck_audit_checkpoint_signed_by_a_key
            CHECK ((public_key IS NULL) = (signature IS NULL))
    )
    """,
    "CREATE INDEX ix_audit_entry_action ON audit_entry (city_code, action, id)",
    "CREATE INDEX ix_audit_entry_subject ON audit_entry (city_code, subject_id, id)",
    "INSERT INTO audit_pending (city_code, entry_id) SELECT city_code, id FROM audit_entry",
)


def upgrade() -> None:
    """Add four tables and two indexes, and let the entries wait for their link."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them again; entries and events stay."""
    for index in ("ix_audit_entry_subject", "ix_audit_entry_action"):
        op.execute(f"DROP INDEX {index}")
    for table in ("audit_checkpoint", "audit_head", "audit_link", "audit_pending"):
        op.execute(f"DROP TABLE {table}")
