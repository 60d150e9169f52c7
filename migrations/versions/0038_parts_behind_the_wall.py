"""Have `make_part` guard a part whose table is guarded.

A part that is read by itself would show the rows of every city otherwise. The function stays what
it was, with the rights that it has.
"""

from alembic import op

revision = "0038"
down_revision = "0036"
branch_labels = None
depends_on = None
works_since = "0014"

_REPLACE = """
DO $replace$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('make_part(text, text, uuid, uuid, int)'::regprocedure),
        $old${old}$old$, $new${new}$new$);
END
$replace$
"""
_MOVED = "    IF astray > 0 THEN\n"
_GUARDED = """    IF (SELECT t.relrowsecurity FROM pg_class t
        WHERE t.relname = of_table AND t.relnamespace = owner_schema::regnamespace) THEN
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', owner_schema, part);
    END IF;
"""


def upgrade() -> None:
    """Guard it before any row is in it."""
    op.execute(_REPLACE.format(old=_MOVED, new=_GUARDED + _MOVED))


def downgrade() -> None:
    """Leave it to the next `wufei row-security on`."""
    op.execute(_REPLACE.format(old=_GUARDED + _MOVED, new=_MOVED))
