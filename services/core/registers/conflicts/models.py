"""The table of conflicts over rows of registers."""

from uuid import UUID

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.conflicts.models import DeviceConflict, device_table_args


class RegisterRowConflict(DeviceConflict):
    """Something that a device wanted a row to say and did not go together with what it says.

    `columns` are those that differ, by code, as are both versions; null: nothing.
    """

    __tablename__ = "register_row_conflict"
    __table_args__ = device_table_args("register_row_conflict", "row")

    register_code: Mapped[str] = mapped_column(Text)
    row_id: Mapped[UUID] = mapped_column()
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))
