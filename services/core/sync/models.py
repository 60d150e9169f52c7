"""The table of writes that devices made, each with its outcome."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class SyncedWrite(Base):
    """A write by the id that its device gave it, so that a retry gets the same result.

    `said` is its content, and `digest` is of that. `claimed_at` is the device's clock, which proves
    nothing.
    """

    __tablename__ = "synced_write"
    __table_args__ = (
        Index("ix_synced_write_received", "city_code", "received_at"),
        Index(
            "ix_synced_write_refused",
            "city_code",
            "credential_id",
            "received_at",
            postgresql_where=text("outcome = 'refused'"),
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    credential_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID] = mapped_column()
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
