"""Files of evidence, and the pieces that submissions and milestones rest upon.

New columns may be null: a process of the release before leaves them out and goes on.
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE evidence_file (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    organization_code text,
    indicator_code text,
    measure_code text,
    period text,
    file_name text NOT NULL,
    type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    sm3 text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by jsonb NOT NULL,
    removed_at timestamptz,
    removed_by jsonb,
    CONSTRAINT pk_evidence_file PRIMARY KEY (city_code, id),
    CONSTRAINT ck_evidence_file_kind
        CHECK (subject_kind IN ('submission', 'milestone', 'target')),
    CONSTRAINT ck_evidence_file_removed_by_somebody
        CHECK ((removed_at IS NULL) = (removed_by IS NULL))
)
""",
    """
CREATE INDEX ix_evidence_file_subject ON evidence_file (city_code, subject_kind, subject_id, id)
""",
    """
CREATE INDEX ix_evidence_file_plan ON evidence_file (city_code, plan_code, id)
    WHERE removed_at IS NULL
""",
    "ALTER TABLE submission ADD COLUMN files jsonb",
    "ALTER TABLE milestone ADD COLUMN files jsonb",
)


def upgrade() -> None:
    """Add the table and two columns."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; the files stay in their store."""
    for table in ("milestone", "submission"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN files")
    op.execute("DROP TABLE evidence_file")
