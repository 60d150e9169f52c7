"""Tables of imports: a file that came in, its findings, and its copy with the faults marked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base
from services.core.kit.leases import LeasedRow


class SheetImport(LeasedRow, Base):
    """An import under way, visible to the credential that sent the file.

    `options` were sent with the file, `report` has the findings. `check_id` and `write_id` are the
    operations that check and write it; `attempts` counts their starts.
    """

    __tablename__ = "sheet_import"
    __table_args__ = (
        CheckConstraint(
            "state IN ('checking', 'checked', 'refused', 'confirming', 'confirmed', 'discarded')",
            name="state",
        ),
        Index(
            "ix_sheet_import_waiting",
            "city_code",
            "id",
            postgresql_where=text("state IN ('checking', 'confirming')"),
        ),
    )

    plan_code: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[UUID] = mapped_column()
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    form: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    check_id: Mapped[UUID] = mapped_column()
    write_id: Mapped[UUID | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class SheetImportFile(Base):
    """The bytes of an import: the file as `sent`, or the copy with its faults `marked`."""

    __tablename__ = "sheet_import_file"
    __table_args__ = (CheckConstraint("part IN ('sent', 'marked')", name="part"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class SheetImportFault(Base):
    """A fault of an imported file, in the order of its rows.

    `cell` and `heading` locate it in the row, null where it is the whole row; `detail` holds the
    text in both languages.
    """

    __tablename__ = "sheet_import_fault"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    row_number: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    cell: Mapped[str | None] = mapped_column(Text)
    heading: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, str]] = mapped_column(JSONB)
