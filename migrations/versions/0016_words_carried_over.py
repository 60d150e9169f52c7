"""Who wrote what a correction carries over.

A process of the release before does not write it and goes on: who signs there is an author all
the same.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
works_since = "0014"

_SUBMISSION = "ALTER TABLE submission ADD COLUMN authorship JSONB"

# Which word is whose was not kept. So every word of a correction is of all who ever wrote; the
# next edit of a word makes it its writer's alone.
_AUTHORSHIP = """
WITH wrote AS (
    SELECT h.city_code, h.submission_id,
        array_agg(DISTINCT CAST(h.actor->>'id' AS uuid)) AS keys,
        coalesce(array_agg(DISTINCT h.actor->>'organization_code')
            FILTER (WHERE h.actor->>'organization_code' IS NOT NULL), '{}') AS units
    FROM submission AS corrected
    JOIN submission_history AS h ON h.city_code = corrected.city_code
        AND h.submission_id = corrected.id AND h.actor->>'id' IS NOT NULL
        AND h.action IN ('created', 'changed', 'submitted')
    WHERE corrected.revision > 1 AND corrected.state <> 'withdrawn'
    GROUP BY h.city_code, h.submission_id
)
UPDATE submission AS s SET authors = wrote.keys, author_organizations = wrote.units,
    authorship = jsonb_build_object(
        'revision', jsonb_build_object(
            'keys', coalesce(s.authors, ARRAY[s.reported_by]),
            'organizations', coalesce(s.author_organizations,
                array_remove(ARRAY[s.reported_by_organization], NULL))),
        'words', (
            SELECT jsonb_object_agg(word,
                jsonb_build_object('keys', wrote.keys, 'organizations', wrote.units))
            FROM unnest(ARRAY['value', 'numerator', 'denominator', 'level',
                'not_applicable_reason', 'note', 'source']) AS word))
FROM wrote WHERE s.city_code = wrote.city_code AND s.id = wrote.submission_id
"""


def upgrade() -> None:
    """Add a column, and fill it for corrections."""
    for statement in (_SUBMISSION, _AUTHORSHIP):
        op.execute(statement)


def downgrade() -> None:
    """Take the column away again."""
    op.execute("ALTER TABLE submission DROP COLUMN authorship")
