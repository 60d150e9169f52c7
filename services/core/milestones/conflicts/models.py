"""The table of conflicts over milestones."""

from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.conflicts.models import DeviceConflict, device_table_args


class MilestoneConflict(DeviceConflict):
    """A device's action on a milestone that conflicts with the milestone's current contents.

    `verb` is the action, `fields` those of its fields that differ; both versions are by column,
    numbers and days as text.
    """

    __tablename__ = "milestone_conflict"
    __table_args__ = (
        *device_table_args("milestone_conflict", "milestone"),
        CheckConstraint("verb IN ('progress', 'complete')", name="verb"),
        CheckConstraint("reason IN ('both-changed', 'moved-on')", name="reason"),
    )

    milestone_id: Mapped[UUID] = mapped_column()
    measure_code: Mapped[str] = mapped_column(Text)
    verb: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
