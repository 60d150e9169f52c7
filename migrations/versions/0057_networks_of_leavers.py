"""Whoever was erased before networks went with it loses them now."""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None
works_since = "0014"

_UP = """
UPDATE api_key AS k SET last_used_from = NULL FROM person AS p
WHERE p.city_code = k.city_code AND p.id = k.person_id AND p.erased_at IS NOT NULL
    AND k.last_used_from IS NOT NULL
"""


def upgrade() -> None:
    """Forget where erased people used their posts from."""
    op.execute(_UP)


def downgrade() -> None:
    """Nothing brings them back."""
