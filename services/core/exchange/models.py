"""Tables of exchanges: the export's progress by plan, and every row either way."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class ExchangeChannel(Base):
    """The exchange of a plan: its figures were written out up to `position` of the log.

    Incoming rows are written as the key `key_id`; null: none is taken.
    """

    __tablename__ = "exchange_channel"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    key_id: Mapped[UUID | None] = mapped_column()
    position: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ExchangedRow(Base):
    """A row of an exchange table that we wrote (`out`) or took (`in`), by its `ex_id`.

    For an incoming row, `outcome` is its result and `message` the reason of a refusal or a warning:
    a repeat gets the same answer.
    """

    __tablename__ = "exchanged_row"
    __table_args__ = (
        Index("ix_exchanged_row_key", "city_code", "plan_code", "direction", "biz_key", "ver"),
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("(direction = 'in') = (outcome IS NOT NULL)", name="outcome"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    direction: Mapped[str] = mapped_column(Text, primary_key=True)
    ex_id: Mapped[str] = mapped_column(Text, primary_key=True)
    biz_key: Mapped[str] = mapped_column(Text)
    ver: Mapped[int] = mapped_column(BigInteger)
    row_hash: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
    exchanged_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
