"""Webhook endpoints with their secrets, deliveries and attempts."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """There is nothing to take back."""
