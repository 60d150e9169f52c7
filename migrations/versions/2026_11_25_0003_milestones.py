"""Milestones with their negotiated dates, and who leads which measure."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """There is nothing to take back."""
