"""The table of figures computed from registers, each with its sources."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class RegisterFigure(Base):
    """A figure of a measure for a unit and a period, as computed at one time. Append-only.

    `rows` are id and version of its source rows, at most a thousand of `row_count`; `digest` is the
    SHA-256 of all of them, a line `id:version` each, by id. `position` is that of the city's log up
    to which rows were followed. `submission_id` is the draft with this figure.
    """

    __tablename__ = "register_figure"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    register_code: Mapped[str] = mapped_column(Text, primary_key=True)
    measure_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text)
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    numerator: Mapped[Decimal | None] = mapped_column(Numeric)
    denominator: Mapped[Decimal | None] = mapped_column(Numeric)
    row_count: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[list[Any]] = mapped_column(JSONB)
    digest: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(BigInteger)
    submission_id: Mapped[UUID | None] = mapped_column()
    found_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
