"""Tables of partners: their settings, secrets, used nonces, and statistics of their calls."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Partner(Base):
    """A platform that calls through a gateway, and the key that it acts as.

    `app_id` identifies it in its requests. `allowed_networks` are CIDR blocks, `interfaces` the
    operations that it may call, `output_fields` the members of answers that it gets; none: all.
    If its profile has an envelope, `sm_public_key` is the partner's, and the other two are ours,
    in hexadecimal digits.
    Processes count `calls`, `faults` and `last_call_at`, and save them now and then; `version`
    counts people's changes.
    """

    __tablename__ = "partner"
    __table_args__ = (
        Index("uq_partner_app_id", "city_code", "app_id", unique=True),
        CheckConstraint("per_minute > 0", name="per_minute"),
        CheckConstraint("per_day > 0", name="per_day"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    key_id: Mapped[UUID] = mapped_column()
    allowed_networks: Mapped[list[str]] = mapped_column(ARRAY(Text))
    interfaces: Mapped[list[str]] = mapped_column(ARRAY(Text))
    output_fields: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_minute: Mapped[int] = mapped_column()
    per_day: Mapped[int] = mapped_column()
    sm_public_key: Mapped[str | None] = mapped_column(Text)
    own_sm_public_key: Mapped[str | None] = mapped_column(Text)
    sm_private_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_call_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    calls: Mapped[int] = mapped_column(BigInteger)
    faults: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column()


class PartnerSecret(Base):
    """A secret that a partner signs with, sealed; the newest has no `expires_at`."""

    __tablename__ = "partner_secret"
    __table_args__ = (
        ForeignKeyConstraint(
            ["city_code", "partner_id"], ["partner.city_code", "partner.id"], ondelete="CASCADE"
        ),
        Index("ix_partner_secret_partner", "city_code", "partner_id"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID] = mapped_column()
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PartnerNonce(Base):
    """A nonce that must not come again before `expires_at`, when its time is too old anyway.

    Only a digest of it is stored. A partner's quota bounds how many there are.
    """

    __tablename__ = "partner_nonce"
    __table_args__ = (Index("ix_partner_nonce_expires_at", "city_code", "expires_at"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PartnerUse(Base):
    """A partner's calls of an operation on one UTC day.

    `times` is a histogram of durations: one count for each bound of `use.BOUNDS_MS`, and one for
    longer calls.
    """

    __tablename__ = "partner_use"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    partner_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    interface: Mapped[str] = mapped_column(Text, primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    faults: Mapped[int] = mapped_column(BigInteger)
    bytes_in: Mapped[int] = mapped_column(BigInteger)
    bytes_out: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    last_call_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
