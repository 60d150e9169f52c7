"""Let `make_part` count rows astray on a cluster too.

Citus plans a limited sub-select by itself and cannot pass on one without a column. The function
stays what it was otherwise, with the rights that it has.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
works_since = "0014"

_REPLACE = """
DO $replace$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('make_part(text, text, uuid, uuid, int)'::regprocedure),
        '{old}', '{new}');
END
$replace$
"""
_WITHOUT, _WITH = "(SELECT FROM %s %s LIMIT", "(SELECT 1 FROM %s %s LIMIT"


def upgrade() -> None:
    """Give the sub-select a column."""
    op.execute(_REPLACE.format(old=_WITHOUT, new=_WITH))


def downgrade() -> None:
    """Take it away again."""
    op.execute(_REPLACE.format(old=_WITH, new=_WITHOUT))
