"""Tables of packages: peer installations, and every file that went or came."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class PackagePeer(Base):
    """Another installation that packages of a plan go to or come from.

    `own_code` is what it knows us by, `peer_code` what we know it by. What it sends is written as
    the key `key_id`; null: nothing is taken. `secret_sealed` is shared, `public_keys` are those it
    may sign with. `out_…` is where the series of what we send stands: the last number, its digest,
    and the position of our log that was read for it or since; `out_reached` is that which it covers
    the log to, null: the same. `in_…` is the last that was taken in.
    """

    __tablename__ = "package_peer"
    __table_args__ = (
        Index("uq_package_peer_code", "city_code", "plan_code", "peer_code", unique=True),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    own_code: Mapped[str] = mapped_column(Text)
    peer_code: Mapped[str] = mapped_column(Text)
    key_id: Mapped[UUID | None] = mapped_column()
    secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    public_keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    out_number: Mapped[int] = mapped_column()
    out_digest: Mapped[str] = mapped_column(Text)
    out_position: Mapped[int] = mapped_column(BigInteger)
    out_reached: Mapped[int | None] = mapped_column(BigInteger)
    in_number: Mapped[int] = mapped_column()
    in_digest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class CarriedPackage(Base):
    """A package that was sent or taken in.

    Of one that goes `out`, `content` is the file, until its receipt is here, and `written_at` when
    it was written where it is carried from, null: it waits for that; of one that came `in`,
    `receipt` is what we answered. `counts` says how many items came to what; null: nobody said yet.
    """

    __tablename__ = "carried_package"
    __table_args__ = (
        ForeignKeyConstraint(
            ["city_code", "peer_id"], ["package_peer.city_code", "package_peer.id"]
        ),
        Index(
            "uq_carried_package_number", "city_code", "peer_id", "direction", "number", unique=True
        ),
        CheckConstraint("direction IN ('in', 'out')", name="direction"),
        CheckConstraint("direction = 'out' OR receipt IS NOT NULL", name="answered"),
        CheckConstraint("content IS NOT NULL OR receipt IS NOT NULL", name="kept"),
        CheckConstraint("(receipt IS NULL) = (settled_at IS NULL)", name="settled"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    peer_id: Mapped[UUID] = mapped_column()
    direction: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    items: Mapped[int] = mapped_column()
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    receipt: Mapped[bytes | None] = mapped_column(LargeBinary)
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    written_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
