"""Tables of connectors: their destinations, queued items, every batch, and statements."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class Connector(Base):
    """A superior's platform that figures of a plan are reported to.

    Address, address of receipts and secret are sealed; the `shown` address has no token. `mapping`
    maps our codes to theirs (`mapping.CodeMapping`). The former secret is valid until
    `former_secret_expires_at`; since `secret_refused_since` the superior has accepted only the
    former one, last seen at `secret_refused_at`. It reports the figures of `indicator_codes`
    (empty: all), as approved, or only those of published periods. One batch is under way at a time:
    its id is the `lease_token`, held until `lease_until`. `tested_at` is when its settings were
    last tried without a fault; the health columns are those of a webhook endpoint. A connector that
    was ended, at `ended_at`, is disabled for good, with a blank address and no secrets; its
    reported items stay. `version` counts changes by people.
    """

    __tablename__ = "connector"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'failing', 'disabled')", name="state"),
        CheckConstraint(
            "(state = 'disabled') = (state_reason IS NOT NULL)"
            " AND state_reason IN ('new', 'gone', 'failing', 'manual')",
            name="state_reason",
        ),
        CheckConstraint("basis IN ('approved', 'published')", name="basis"),
        CheckConstraint("batch_size BETWEEN 1 AND 50", name="batch_size"),
        CheckConstraint(
            "(former_secret_sealed IS NULL) = (former_secret_expires_at IS NULL)",
            name="former_secret",
        ),
        CheckConstraint(
            "(secret_refused_since IS NULL) = (secret_refused_at IS NULL)",
            name="secret_refused",
        ),
        CheckConstraint(
            "ended_at IS NULL OR (state = 'disabled' AND num_nonnulls(receipts_url_sealed,"
            " secret_sealed, former_secret_sealed) = 0)",
            name="ended",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    url_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    url_shown: Mapped[str] = mapped_column(Text)
    receipts_url_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    receipts_url_shown: Mapped[str | None] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    app_id: Mapped[str | None] = mapped_column(Text)
    interface: Mapped[str | None] = mapped_column(Text)
    secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_secret_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    secret_refused_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    secret_refused_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)
    basis: Mapped[str] = mapped_column(Text)
    indicator_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    batch_size: Mapped[int] = mapped_column(SmallInteger)
    pause_seconds: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    state_reason: Mapped[str | None] = mapped_column(Text)
    tested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    warned: Mapped[int] = mapped_column(SmallInteger)
    consecutive_failures: Mapped[int] = mapped_column()
    paused_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_token: Mapped[UUID | None] = mapped_column()
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()

    def keep_former_secret(self, overlap: timedelta, now: datetime) -> None:
        """Keep the secret that the superior accepts beside the next one, for the overlap.

        That is the present one or, if the superior refuses it, the former one while valid. Without
        an overlap none is kept. `now` is the true time.
        """
        ends = self.former_secret_expires_at
        refused = self.secret_refused_since is not None and ends is not None and ends > now
        kept = self.former_secret_sealed if refused else self.secret_sealed
        self.end_former_secret()
        if overlap and kept is not None:
            self.former_secret_sealed, self.former_secret_expires_at = kept, now + overlap

    def end_former_secret(self) -> None:
        """Sign with the present secret alone; whether the superior accepts it is not known yet."""
        self.former_secret_sealed = self.former_secret_expires_at = None
        self.secret_refused_since = self.secret_refused_at = None


class ConnectorItem(Base):
    """A revision of a figure to report, and the superior's receipt.

    Its id is sent with it and stays the same over retries, so that the receiver recognizes
    duplicates. `withdrawn` takes back an earlier report. `payload` is the item as sent, in the
    superior's codes: made for the first attempt and repeated in retries. `pending` and `unmapped`
    cannot have reached the superior; `unknown` may have, without an answer so far. `attempts`
    counts those begun, `tries` those that the schedule counts. `second_receipt` is one that
    contradicts the first; `differs` says so, or that the superior returned another figure.
    """

    __tablename__ = "connector_item"
    __table_args__ = (
        ForeignKeyConstraint(
            ["city_code", "connector_id"], ["connector.city_code", "connector.id"]
        ),
        Index(
            "uq_connector_item_revision",
            "city_code",
            "connector_id",
            "submission_id",
            "revision",
            "withdrawn",
            unique=True,
            postgresql_where=text("state <> 'superseded'"),
        ),
        Index(
            "ix_connector_item_place",
            "city_code",
            "connector_id",
            "indicator_code",
            "organization_code",
            "period",
            "id",
        ),
        Index(
            "ix_connector_item_due",
            "city_code",
            "connector_id",
            "next_attempt_at",
            postgresql_where=text("state IN ('pending', 'unknown')"),
        ),
        Index("ix_connector_item_list", "city_code", "connector_id", "state", "id"),
        CheckConstraint(
            "state IN ('unmapped', 'pending', 'unknown', 'accepted', 'refused', 'failed',"
            " 'superseded')",
            name="state",
        ),
        CheckConstraint(
            "withdrawn OR num_nonnulls(value, level, not_applicable_reason) >= 1", name="says_what"
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connector_id: Mapped[UUID] = mapped_column()
    submission_id: Mapped[UUID] = mapped_column()
    revision: Mapped[int] = mapped_column()
    indicator_code: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    withdrawn: Mapped[bool] = mapped_column()
    value: Mapped[Decimal | None] = mapped_column(Numeric)
    level: Mapped[str | None] = mapped_column(Text)
    not_applicable_reason: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    missing: Mapped[list[str]] = mapped_column(ARRAY(Text))
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    attempts: Mapped[int] = mapped_column()
    tries: Mapped[int] = mapped_column()
    batch_id: Mapped[UUID | None] = mapped_column()
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    receipt: Mapped[str | None] = mapped_column(Text)
    refusal_code: Mapped[str | None] = mapped_column(Text)
    their_code: Mapped[str | None] = mapped_column(Text)
    their_words: Mapped[str | None] = mapped_column(Text)
    receipts: Mapped[int] = mapped_column()
    differs: Mapped[bool] = mapped_column()
    second_receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    their_value: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ConnectorBatch(Base):
    """A request to a superior, written before it is sent; without an outcome its worker was lost.

    A `report` carries items, a `query` asks for the outcome of some.
    """

    __tablename__ = "connector_batch"
    __table_args__ = (
        Index("ix_connector_batch_connector", "city_code", "connector_id", "id"),
        CheckConstraint("kind IN ('report', 'query')", name="kind"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connector_id: Mapped[UUID] = mapped_column()
    kind: Mapped[str] = mapped_column(Text)
    items: Mapped[int] = mapped_column()
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    status_code: Mapped[int | None] = mapped_column()
    duration_ms: Mapped[int | None] = mapped_column()
    accepted: Mapped[int] = mapped_column()
    refused: Mapped[int] = mapped_column()
    unanswered: Mapped[int] = mapped_column()
    unasked: Mapped[int] = mapped_column()
    response_head: Mapped[str | None] = mapped_column(Text)


class ConnectorStatement(Base):
    """A superior's statement of its figures for a period, as uploaded. The newest counts."""

    __tablename__ = "connector_statement"
    __table_args__ = (
        Index("ix_connector_statement_period", "city_code", "connector_id", "period", "id"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    connector_id: Mapped[UUID] = mapped_column()
    period: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(Text)
    lines: Mapped[int] = mapped_column()
    uploaded_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    uploaded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ConnectorStatementLine(Base):
    """A line of a statement: a place in our codes, and the superior's figure in its measure."""

    __tablename__ = "connector_statement_line"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    indicator_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    figure: Mapped[str] = mapped_column(Text)
