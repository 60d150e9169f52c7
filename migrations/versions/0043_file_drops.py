"""File drops: events written as numbered files, for systems that fetch files.

New tables only: a process of the release before knows nothing of them and goes on.
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE file_drop (
    city_code text NOT NULL,
    id uuid NOT NULL,
    folder text NOT NULL,
    owner_id uuid NOT NULL,
    plan_code text,
    event_types text[] NOT NULL,
    state text NOT NULL,
    state_reason text,
    position bigint NOT NULL,
    number integer NOT NULL,
    digest text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_file_drop PRIMARY KEY (city_code, id),
    CONSTRAINT ck_file_drop_state CHECK (state IN ('active', 'disabled')),
    CONSTRAINT ck_file_drop_state_reason
        CHECK ((state = 'disabled') = (state_reason IS NOT NULL))
)
""",
    "CREATE UNIQUE INDEX uq_file_drop_folder ON file_drop (city_code, folder)",
    """
CREATE TABLE dropped_file (
    city_code text NOT NULL,
    drop_id uuid NOT NULL,
    number integer NOT NULL,
    digest text NOT NULL,
    events integer NOT NULL,
    content bytea,
    made_at timestamptz NOT NULL,
    written_at timestamptz,
    CONSTRAINT pk_dropped_file PRIMARY KEY (city_code, drop_id, number),
    CONSTRAINT fk_dropped_file_city_code_file_drop FOREIGN KEY (city_code, drop_id)
        REFERENCES file_drop (city_code, id),
    CONSTRAINT ck_dropped_file_kept CHECK (written_at IS NOT NULL OR content IS NOT NULL)
)
""",
    """
CREATE INDEX ix_dropped_file_waiting ON dropped_file (city_code, drop_id, number)
    WHERE written_at IS NULL
""",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: files that were written stay where they are."""
    op.execute("DROP TABLE dropped_file")
    op.execute("DROP TABLE file_drop")
