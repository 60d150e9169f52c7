"""A milestone for each unit that signs for a measure, and an amount beside a level."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SEED = """
CREATE UNIQUE INDEX uq_milestone_seed
    ON milestone (city_code, plan_code, measure_code{unit})
    WHERE from_plan
"""

_ONE_FORM = """
ALTER TABLE submission DROP CONSTRAINT ck_submission_one_form,
    ADD CONSTRAINT ck_submission_one_form
        CHECK (state IN ('draft', 'returned', 'withdrawn')
            OR num_nonnulls(value, level, not_applicable_reason) = 1{or_both})
"""

_BOTH = " OR (value IS NOT NULL AND level IS NOT NULL AND not_applicable_reason IS NULL)"


def upgrade() -> None:
    """Let one measure have several milestones of the plan's, and a level have an amount."""
    op.execute("DROP INDEX uq_milestone_seed")
    op.execute(_SEED.format(unit=", organization_code"))
    op.execute(_ONE_FORM.format(or_both=_BOTH))


def downgrade() -> None:
    """Go back; what stands for a measure beside its oldest milestone no longer is the plan's."""
    op.execute("""
        UPDATE milestone SET from_plan = FALSE WHERE from_plan AND EXISTS (
            SELECT FROM milestone AS older WHERE older.city_code = milestone.city_code
            AND older.plan_code = milestone.plan_code
            AND older.measure_code = milestone.measure_code
            AND older.from_plan AND older.id < milestone.id)
    """)
    op.execute("UPDATE submission SET value = NULL WHERE level IS NOT NULL")
    op.execute("DROP INDEX uq_milestone_seed")
    op.execute(_SEED.format(unit=""))
    op.execute(_ONE_FORM.format(or_both=""))
