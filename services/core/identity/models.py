"""Tables of cities, organizations and keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Tenant(Base):
    """A tenant: one city with its plans."""

    __tablename__ = "city"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Organization(Base):
    """A unit, a township-level body, or a collective name. Defined by the plan's document."""

    __tablename__ = "organization"

    city_code: Mapped[str] = mapped_column(ForeignKey(Tenant.city_code), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    ordinal: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    aliases: Mapped[list[str]] = mapped_column(ARRAY(Text))
    members: Mapped[list[str]] = mapped_column(ARRAY(Text))
    submits: Mapped[bool] = mapped_column()
    administrative_code: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    defined_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ApiKey(Base):
    """A credential. Only a digest of the secret is stored; `every_city` marks the first keys.

    `allowed_networks` are CIDR blocks, none: from anywhere. `last_used_from` is the network of the
    latest use. `version` counts people's changes, not uses. With a `person_id` it stands for that
    person's tenure of a post: nobody knows its secret, and its id is the tenure's.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        Index("uq_api_key_secret_digest", "city_code", "secret_digest", unique=True),
        CheckConstraint(
            "role NOT IN ('reporter', 'lead') OR organization_code IS NOT NULL",
            name="organization_of_reporter_and_lead",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    plan_code: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    every_city: Mapped[bool] = mapped_column()
    prefix: Mapped[str] = mapped_column(Text)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    allowed_networks: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    last_used_from: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    person_id: Mapped[UUID | None] = mapped_column()


class FormerSecret(Base):
    """A secret of a key that another has replaced; it is valid until `expires_at`."""

    __tablename__ = "former_secret"
    __table_args__ = (Index("ix_former_secret_key", "city_code", "key_id"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    key_id: Mapped[UUID] = mapped_column()
    prefix: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TokenKey(Base):
    """A key that signs access tokens. It belongs to the installation and to no city.

    Its private half is sealed; the public half is a JSON Web Key (RFC 7517).
    """

    __tablename__ = "token_key"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(Text)
    public_key: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_key_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    signs_from: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class IssuerKeys(Base):
    """The public keys that a foreign issuer published when they were last fetched. Of no city.

    `fetched_at` is None if no fetch ever succeeded; `tried_at` is the latest attempt, `fault` why
    it failed.
    """

    __tablename__ = "issuer_keys"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    keys: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fetched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    tried_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    fault: Mapped[str | None] = mapped_column(Text)
