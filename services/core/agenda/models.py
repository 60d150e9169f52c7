"""The table of calendar tokens: each opens one calendar to anyone with its address."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class CalendarToken(Base):
    """The secret part of an address that shows deadlines as a calendar, without a key.

    It works until it, or the key that made it, is revoked.

    `scope` says whose deadlines it shows: a `unit`'s, a whole `plan`'s, or those of the `person`
    (the key) that made it. Only a digest of the secret is stored.
    """

    __tablename__ = "calendar_token"
    __table_args__ = (
        Index("uq_calendar_token_secret_digest", "city_code", "secret_digest", unique=True),
        Index("ix_calendar_token_credential", "city_code", "credential_id", "id"),
        CheckConstraint("scope IN ('unit', 'plan', 'person')", name="scope"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    credential_id: Mapped[UUID] = mapped_column()
    role: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
