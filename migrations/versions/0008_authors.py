"""Who wrote or handed in a revision, all of them; and who reported on a milestone."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SUBMISSION = """
ALTER TABLE submission ADD COLUMN authors UUID[], ADD COLUMN author_organizations TEXT[]
"""

# What is approved needs none: its next revision begins with nobody. Who is named in the history of
# what may still be approved is its author.
_AUTHORS = """
UPDATE submission AS s SET authors = wrote.keys, author_organizations = wrote.units
FROM (
    SELECT h.city_code, h.submission_id, array_agg(DISTINCT CAST(h.actor->>'id' AS uuid)) AS keys,
        coalesce(array_agg(DISTINCT h.actor->>'organization_code')
            FILTER (WHERE h.actor->>'organization_code' IS NOT NULL), '{}') AS units
    FROM submission AS open
    JOIN submission_history AS h ON h.city_code = open.city_code AND h.submission_id = open.id
        AND h.action IN ('created', 'changed', 'submitted') AND h.actor->>'id' IS NOT NULL
        AND h.version > coalesce((
            SELECT max(r.version) FROM submission_history AS r WHERE r.city_code = open.city_code
            AND r.submission_id = open.id AND r.action = 'reopened'), 0)
    WHERE open.state IN ('draft', 'submitted', 'returned')
    GROUP BY h.city_code, h.submission_id
) AS wrote
WHERE s.city_code = wrote.city_code AND s.id = wrote.submission_id
"""

_MILESTONE = "ALTER TABLE milestone ADD COLUMN authors UUID[] NOT NULL DEFAULT '{}'"

_REPORTERS = """
UPDATE milestone AS m SET authors = wrote.keys
FROM (
    SELECT h.city_code, h.milestone_id, array_agg(DISTINCT CAST(h.actor->>'id' AS uuid)) AS keys
    FROM milestone_history AS h
    WHERE h.action IN ('progressed', 'completed') AND h.actor->>'id' IS NOT NULL
    GROUP BY h.city_code, h.milestone_id
) AS wrote
WHERE m.city_code = wrote.city_code AND m.id = wrote.milestone_id AND m.state <> 'cancelled'
"""


def upgrade() -> None:
    """Add three columns, and fill them for what may still be judged."""
    for statement in (_SUBMISSION, _AUTHORS, _MILESTONE, _REPORTERS):
        op.execute(statement)


def downgrade() -> None:
    """Take the columns away again; who reported last is known as before."""
    op.execute("ALTER TABLE submission DROP COLUMN authors, DROP COLUMN author_organizations")
    op.execute("ALTER TABLE milestone DROP COLUMN authors")
