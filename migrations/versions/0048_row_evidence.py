"""Rows of registers rest upon evidence, too.

A process of the release before leaves the files of rows that it writes as they are. Of a file of a
row that is asked for by its id it says nothing that helps, as long as both releases run.
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    "ALTER TABLE register_row ADD COLUMN IF NOT EXISTS files JSONB",
    "ALTER TABLE evidence_file ADD COLUMN IF NOT EXISTS register_code TEXT",
    "ALTER TABLE evidence_file DROP CONSTRAINT IF EXISTS ck_evidence_file_kind",
    """
    ALTER TABLE evidence_file ADD CONSTRAINT ck_evidence_file_kind CHECK
        (subject_kind IN ('submission', 'milestone', 'target', 'register_row')) NOT VALID
    """,
)
_AFTERWARDS = "ALTER TABLE evidence_file VALIDATE CONSTRAINT ck_evidence_file_kind"
"""Reads every file while others are added and removed; where it fails, all is done once more."""

_DOWN = (
    "DELETE FROM evidence_file WHERE subject_kind = 'register_row'",
    "ALTER TABLE evidence_file DROP CONSTRAINT ck_evidence_file_kind",
    """
    ALTER TABLE evidence_file ADD CONSTRAINT ck_evidence_file_kind CHECK
        (subject_kind IN ('submission', 'milestone', 'target'))
    """,
    "ALTER TABLE evidence_file DROP COLUMN register_code",
    "ALTER TABLE register_row DROP COLUMN files",
)


def upgrade() -> None:
    """Add the files of a row, and what a file of evidence says of its register."""
    for statement in _UP:
        op.execute(statement)
    with op.get_context().autocommit_block():
        op.execute(_AFTERWARDS)


def downgrade() -> None:
    """Take both back; the evidence of rows is lost with them."""
    for statement in _DOWN:
        op.execute(statement)
