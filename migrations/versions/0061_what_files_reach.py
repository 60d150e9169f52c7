"""Dropped files and packages cover the log without a gap: each begins where the last one ended.

How far the log is read goes on where nothing in it is for a file, so it cannot say that. A file
that a process of the release before makes meanwhile moves this not on: the next one then covers
its stretch of the log once more, and no event twice.
"""

from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = (
    "ALTER TABLE file_drop ADD COLUMN reached BIGINT",
    "ALTER TABLE package_peer ADD COLUMN out_reached BIGINT",
    # By the first line of the last file, where its bytes are kept. Drops are few.
    """
    UPDATE file_drop AS d SET reached = (
        CAST(split_part(convert_from(f.content, 'UTF8'), chr(10), 1) AS json) ->> 'upto_position'
    )::bigint
    FROM dropped_file AS f
    WHERE f.city_code = d.city_code AND f.drop_id = d.id AND f.number = d.number
        AND f.content IS NOT NULL
    """,
)


def upgrade() -> None:
    """Add how far the last file reaches; null: as far as the log is read."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Forget it."""
    op.execute("ALTER TABLE file_drop DROP COLUMN reached")
    op.execute("ALTER TABLE package_peer DROP COLUMN out_reached")
