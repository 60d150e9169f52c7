"""Tables of people, posts, tenures of posts, sessions, and sign-in providers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.identity.models import Tenant
from services.core.kit.database import Base


class Person(Base):
    """Somebody who signs in. Erasure sets all personal columns to null; the id stays.

    `failures` counts wrong attempts since the last success or lock, `totp_step` is the last time
    step whose code was used, `former_passwords` are hashes, newest first.
    """

    __tablename__ = "person"
    __table_args__ = (
        Index("uq_person_username", "city_code", "username", unique=True),
        Index("uq_person_invitation_digest", "city_code", "invitation_digest", unique=True),
        CheckConstraint(
            "erased_at IS NULL OR (ended_at IS NOT NULL AND username IS NULL AND name IS NULL"
            " AND password_hash IS NULL AND totp_sealed IS NULL)",
            name="erased_wholly",
        ),
    )

    city_code: Mapped[str] = mapped_column(ForeignKey(Tenant.city_code), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_set_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    former_passwords: Mapped[list[str]] = mapped_column(ARRAY(Text))
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_pending_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int] = mapped_column(BigInteger)
    recovery_digests: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    failures: Mapped[int] = mapped_column()
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    invitation_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    invitation_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class StaffPost(Base):
    """A position: its role, its unit, and its plan."""

    __tablename__ = "post"
    city_code: Mapped[str] = mapped_column(ForeignKey(Tenant.city_code), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    plan_code: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class PostTenure(Base):
    """A person's time in a post, from the day `since` to the day `until`, None: no end is known.

    `ended_at` is the instant of an end during a day. The row of `api_key` with the same id is its
    credential.
    """

    __tablename__ = "tenure"
    __table_args__ = (
        ForeignKeyConstraint(("city_code", "post_id"), (StaffPost.city_code, StaffPost.id)),
        ForeignKeyConstraint(("city_code", "person_id"), (Person.city_code, Person.id)),
        Index("ix_tenure_person", "city_code", "person_id", "id"),
        Index("ix_tenure_post", "city_code", "post_id", "id"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    post_id: Mapped[UUID] = mapped_column()
    person_id: Mapped[UUID] = mapped_column()
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignIn(Base):
    """A session: it begins with a sign-in, and refresh tokens extend it.

    `device_key` is the public key (RFC 7517) of the device that it is bound to, None: unbound.
    `provider` is the code of the provider that identified the person, None: a password did.
    """

    __tablename__ = "sign_in"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_for_a_reason"),
        Index("ix_sign_in_person", "city_code", "person_id", "id"),
        Index(
            "ix_sign_in_tenure",
            "city_code",
            "tenure_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column()
    tenure_id: Mapped[UUID] = mapped_column()
    device_name: Mapped[str | None] = mapped_column(Text)
    device_key: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    network: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    refreshed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    idle_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_because: Mapped[str | None] = mapped_column(Text)


class Provider(Base):
    """A government app that people sign in with, and our credentials there.

    `secrets_sealed` are the secrets of its family, `link_key_sealed` the key of the digests that
    link its accounts; both are null once it has ended. `token_sealed` is the app token that
    processes share until `token_until`. `version` counts people's changes.
    """

    __tablename__ = "sign_in_provider"
    __table_args__ = (
        Index(
            "uq_sign_in_provider_code",
            "city_code",
            "code",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint(
            "(ended_at IS NULL) = (secrets_sealed IS NOT NULL AND link_key_sealed IS NOT NULL)",
            name="ended_without_secrets",
        ),
    )

    city_code: Mapped[str] = mapped_column(ForeignKey(Tenant.city_code), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    family: Mapped[str] = mapped_column(Text)
    base_url: Mapped[str] = mapped_column(Text)
    app_id: Mapped[str] = mapped_column(Text)
    module_id: Mapped[str | None] = mapped_column(Text)
    secrets_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    link_key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class LinkedAccount(Base):
    """A provider's account that a person signs in with: only a keyed digest of its id is stored."""

    __tablename__ = "linked_account"
    __table_args__ = (
        ForeignKeyConstraint(("city_code", "provider_id"), (Provider.city_code, Provider.id)),
        ForeignKeyConstraint(("city_code", "person_id"), (Person.city_code, Person.id)),
        Index("uq_linked_account_digest", "city_code", "provider_id", "digest", unique=True),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    linked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class RefreshToken(Base):
    """A refresh token by its digest; it can be used once."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index("ix_refresh_token_sign_in", "city_code", "sign_in_id"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sign_in_id: Mapped[UUID] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
