"""Batches that were tried, for an hour.

A process of the release before neither keeps nor drops any.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
works_since = "0014"

# What is kept is compressed already.
_STATEMENTS = (
    """
    CREATE TABLE submission_preview (
        city_code TEXT NOT NULL,
        id UUID NOT NULL,
        plan_code TEXT NOT NULL,
        credential_id UUID NOT NULL,
        request BYTEA NOT NULL,
        grounds BYTEA NOT NULL,
        CONSTRAINT pk_submission_preview PRIMARY KEY (city_code, id)
    )
    """,
    "ALTER TABLE submission_preview ALTER COLUMN request SET STORAGE EXTERNAL",
    "ALTER TABLE submission_preview ALTER COLUMN grounds SET STORAGE EXTERNAL",
    """
    CREATE INDEX ix_submission_preview_city_code_credential_id_id
    ON submission_preview (city_code, credential_id, id)
    """,
)


def upgrade() -> None:
    """Make the table."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop it with what it holds."""
    op.execute("DROP TABLE submission_preview")
