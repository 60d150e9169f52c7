"""Archives of evidence that a worker makes.

A new table only: a process of the release before knows nothing of it and goes on.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    """
CREATE TABLE evidence_archive (
    city_code text NOT NULL,
    id uuid NOT NULL,
    plan_code text NOT NULL,
    credential_id uuid NOT NULL,
    operation_id uuid NOT NULL,
    period text,
    organization_code text,
    state text NOT NULL,
    file_token uuid,
    size bigint,
    sha256 text,
    lease_token uuid,
    lease_until timestamptz,
    attempts integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_evidence_archive PRIMARY KEY (city_code, id),
    CONSTRAINT ck_evidence_archive_state CHECK (state IN ('making', 'made', 'over'))
)
""",
    """
CREATE INDEX ix_evidence_archive_waiting ON evidence_archive (city_code, id)
    WHERE state = 'making'
""",
)


def upgrade() -> None:
    """Add the table."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it; the archives stay in their store."""
    op.execute("DROP TABLE evidence_archive")
