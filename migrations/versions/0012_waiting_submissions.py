"""Find what waits for a review or an answer without reading all that was ever reported."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_submission_waiting",
        "submission",
        ["city_code", "plan_code", "state", "organization_code"],
        postgresql_where=sa.text("state IN ('submitted', 'returned')"),
    )


def downgrade() -> None:
    op.drop_index("ix_submission_waiting", "submission")
