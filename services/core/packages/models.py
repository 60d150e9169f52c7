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
    """A peer installation that packages of a plan go to or come from.

    `own_code` is its code for us, `peer_code` our code for it. Its packages are written as the key
    `key_id`; null: none is taken in. `secret_sealed` is shared, `public_keys` are those it may sign
    with. The `out_…` columns are the state of our outgoing series: the last number, its digest, and
    the position of our log that was read since; `out_reached` is the position that it covers, null:
    the same. The `in_…` columns are of the last package taken in.
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

    For direction `out`, `content` is the file, until its receipt is here, and `written_at` the
    instant when it was written to the disc, null: not yet. For `in`, `receipt` is our answer.
    `counts` is the number of items by outcome; null: not known yet.
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
