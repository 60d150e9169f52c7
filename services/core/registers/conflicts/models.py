"""The table of conflicts over rows of registers."""

from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.conflicts.models import DeviceConflict, device_table_args


class RegisterRowConflict(DeviceConflict):
    """A device's change of a row that conflicts with the row's current contents.

    `columns` are the codes that differ, and both versions are by code; null: empty.
    """

    __tablename__ = "register_row_conflict"
    __table_args__ = device_table_args("register_row_conflict", "row")

    register_code: Mapped[str] = mapped_column(Text)
    row_id: Mapped[UUID] = mapped_column()
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))
