"""A conflict with another source says who recorded that figure, who reviews no correction to it.

What is open is told who it was; what is decided stays as it was decided. A worker of the release
before that compares a figure anew drops it again; the next comparison of this one makes up for it.
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = """
UPDATE conflict AS c SET observed = c.observed || jsonb_build_object('recorded_by',
    jsonb_build_object('id', o.recorded_by -> 'id',
        'organization_code', o.recorded_by -> 'organization_code'))
FROM observation AS o
WHERE o.city_code = c.city_code AND o.id = c.observation_id
    AND c.kind = 'observation' AND c.state = 'open'
"""

_DOWN = "UPDATE conflict SET observed = observed - 'recorded_by' WHERE kind = 'observation'"


def upgrade() -> None:
    """Tell each open conflict who recorded what the source says now."""
    op.execute(_UP)


def downgrade() -> None:
    """Forget it again."""
    op.execute(_DOWN)
