"""Files of evidence that an appeal names stay, from its filing on.

A process of the release before removes one that it could remove before; from the next appeal on,
written by a process of this release, none does.
"""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    "ALTER TABLE evidence_file ADD COLUMN IF NOT EXISTS rested_upon_at TIMESTAMP WITH TIME ZONE",
    """
    UPDATE evidence_file AS e SET rested_upon_at = named.at
    FROM (
        SELECT a.city_code, CAST(f.id AS uuid) AS id, min(a.created_at) AS at
        FROM appeal AS a
        CROSS JOIN LATERAL jsonb_array_elements(a.contested) AS c(item)
        CROSS JOIN LATERAL jsonb_array_elements_text(c.item -> 'evidence_ids') AS f(id)
        GROUP BY a.city_code, f.id
    ) AS named
    WHERE e.city_code = named.city_code AND e.id = named.id AND e.rested_upon_at IS NULL
    """,
)


def upgrade() -> None:
    """Add since when something else rests upon a file, by the appeals there are."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Drop it again."""
    op.execute("ALTER TABLE evidence_file DROP COLUMN rested_upon_at")
