"""The table of links to the board: each shows one plan to anyone with its address, for a time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class BoardLink(Base):
    """The secret part of an address that shows the leader's page of a plan, and nothing else.

    It is valid until its end, or until it is revoked. Only a digest of the secret is stored. `name`
    tells people whom it was made for.
    """

    __tablename__ = "board_link"
    __table_args__ = (
        Index("uq_board_link_secret_digest", "city_code", "secret_digest", unique=True),
        Index("ix_board_link_plan", "city_code", "plan_code", "id"),
        CheckConstraint("expires_at > created_at", name="ends_later"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
