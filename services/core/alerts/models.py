"""Tables of alerts: rules by version, alerts, every notice, and when a plan was last evaluated."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Index,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class AlertRules(Base):
    """A version of a plan's alert rules; immutable. Version 0, the defaults, has no row."""

    __tablename__ = "alert_rules"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    rule_set: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Alert(Base):
    """An alert: a subject is due, late or otherwise needs action; one by subject, rule and epoch.

    `reach` is the offset in days of the last stage that somebody was notified of;
    `suppressed_reach` that of the last suppressed one. `given_level` is the level of the last
    notice of its own, `notified` whether anybody was notified since it was last resolved.
    `arrived`: it was overdue when first seen, and so far only the office's digest contains it.
    Until `hold_until` nobody is notified, except that the top level is held only with `holds_top`.
    `seq` counts the notices sent.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index("uq_alert_key", "city_code", "alert_key", unique=True),
        Index("ix_alert_plan", "city_code", "plan_code", "id"),
        Index("ix_alert_organization", "city_code", "plan_code", "organization_code", "id"),
        Index(
            "ix_alert_unresolved",
            "city_code",
            "plan_code",
            "rule",
            postgresql_where=text("state <> 'resolved'"),
        ),
        CheckConstraint("state IN ('open', 'acknowledged', 'snoozed', 'resolved')", name="state"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    alert_key: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    epoch: Mapped[int] = mapped_column(BigInteger)
    organization_code: Mapped[str] = mapped_column(Text)
    measure_code: Mapped[str | None] = mapped_column(Text)
    indicator_code: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    message_en: Mapped[str] = mapped_column(Text)
    due_date: Mapped[date | None] = mapped_column(Date)
    stage: Mapped[str] = mapped_column(Text)
    repeat: Mapped[int] = mapped_column()
    level: Mapped[int] = mapped_column(SmallInteger)
    given_level: Mapped[int | None] = mapped_column(SmallInteger)
    reach: Mapped[int | None] = mapped_column()
    suppressed_reach: Mapped[int | None] = mapped_column()
    seq: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    arrived: Mapped[bool] = mapped_column(Boolean)
    notified: Mapped[bool] = mapped_column(Boolean)
    recipients: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    calendar: Mapped[str] = mapped_column(Text)
    calendar_version: Mapped[int] = mapped_column()
    rules_version: Mapped[int] = mapped_column()
    hold_until: Mapped[date | None] = mapped_column(Date)
    holds_top: Mapped[bool] = mapped_column(Boolean)
    answer: Mapped[str | None] = mapped_column(Text)
    promised_date: Mapped[date | None] = mapped_column(Date)
    answered_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    raised_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column()


class AlertNotice(Base):
    """The decision on one stage of an alert, with the rules and calendar that it was based on.

    Its unique key ensures that no stage is sent twice. `given`: by an event of its own; `gathered`:
    in a digest; `superseded`: a later stage was sent instead; `held`, `snoozed`, `muted`:
    suppressed for now, because somebody reacted or the parent's alert replaces it.
    """

    __tablename__ = "alert_notice"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('given', 'gathered', 'superseded', 'held', 'snoozed', 'muted')",
            name="outcome",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    alert_key: Mapped[str] = mapped_column(Text, primary_key=True)
    stage: Mapped[str] = mapped_column(Text, primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    reach: Mapped[int] = mapped_column()
    outcome: Mapped[str] = mapped_column(Text)
    event_id: Mapped[UUID | None] = mapped_column()
    calendar: Mapped[str] = mapped_column(Text)
    calendar_version: Mapped[int] = mapped_column()
    rules_version: Mapped[int] = mapped_column()
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AlertHistory(Base):
    """One change of an alert: its state after it, who made it, by which rules. Append-only."""

    __tablename__ = "alert_history"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(Text)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    calendar_version: Mapped[int] = mapped_column()
    rules_version: Mapped[int] = mapped_column()
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AlertDigest(Base):
    """A record that a unit got its digest of a day: at most one of each kind."""

    __tablename__ = "alert_digest"
    __table_args__ = (CheckConstraint("kind IN ('daily', 'arrival')", name="kind"),)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    total: Mapped[int] = mapped_column()
    event_id: Mapped[UUID] = mapped_column()
    given_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AlertEvaluation(Base):
    """When a plan was last evaluated whole. The row is the lock: one evaluation per plan at a time.

    `evaluated_at` is the real time, for monitoring; `evaluated_for` is the domain clock's time,
    which decides when it is due again.
    """

    __tablename__ = "alert_evaluation"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    evaluated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    evaluated_for: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    calendar_version: Mapped[int | None] = mapped_column()
    rules_version: Mapped[int | None] = mapped_column()
