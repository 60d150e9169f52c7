"""The office's own texts in papers, by version.

A new table only: a process of the release before knows nothing of it and goes on.
"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = """
CREATE TABLE paper_texts (
    city_code text NOT NULL,
    plan_code text NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    texts jsonb NOT NULL,
    changed_by jsonb NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_paper_texts PRIMARY KEY (city_code, plan_code, kind, version)
)
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(_UP)


def downgrade() -> None:
    """Drop it: papers have the texts they came with again."""
    op.execute("DROP TABLE paper_texts")
