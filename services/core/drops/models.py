"""Tables of file drops: the drops, and every file."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class FileDrop(Base):
    """A folder that gets the events that the key `owner_id` may read, as files.

    `event_types` empty: all; `plan_code` null: of every plan. `position` is the log's position read
    so far, `number` and `digest` are of the last file, and `reached` is the position that it
    covers: behind `position` if no later event was for a file. Null: `position`.
    """

    __tablename__ = "file_drop"
    __table_args__ = (
        Index("uq_file_drop_folder", "city_code", "folder", unique=True),
        CheckConstraint("state IN ('active', 'disabled')", name="state"),
        CheckConstraint("(state = 'disabled') = (state_reason IS NOT NULL)", name="state_reason"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID] = mapped_column()
    plan_code: Mapped[str | None] = mapped_column(Text)
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(Text)
    state_reason: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger)
    reached: Mapped[int | None] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class DroppedFile(Base):
    """A file by its number, stored before it is written, so that rewriting gives the same bytes.

    `written_at` null: it waits to be written. `content` is deleted after 90 days.
    """

    __tablename__ = "dropped_file"
    __table_args__ = (
        ForeignKeyConstraint(["city_code", "drop_id"], ["file_drop.city_code", "file_drop.id"]),
        Index(
            "ix_dropped_file_waiting",
            "city_code",
            "drop_id",
            "number",
            postgresql_where=text("written_at IS NULL"),
        ),
        CheckConstraint("written_at IS NOT NULL OR content IS NOT NULL", name="kept"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    drop_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    events: Mapped[int] = mapped_column()
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    written_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
