"""${message}: say in a sentence what changes and why it is safe while both doors run."""

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
# Where the programs of the release before go on working on it, and may be started again:
# works_since = "its revision"


def upgrade() -> None:
    """Expand: add what the new version needs, break nothing that the old one uses."""
    ${upgrades if upgrades else "..."}


def downgrade() -> None:
    """Take back what upgrade added."""
    ${downgrades if downgrades else "..."}
