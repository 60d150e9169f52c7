"""Tables of evidence: each file with its digests, and the office's archives."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base
from services.core.kit.made_files import MadeRow


class Evidence(Base):
    """A file of evidence; a removed file keeps its row.

    `subject_id` is the id of the submission, the milestone or the register's row, or
    `plan/indicator/year/sequence` of an assigned target. Further columns describe that subject: the
    unit, the indicator, the measure or the register, and the period. The content is in the store,
    under a key made of city and id. Since `rested_upon_at` something else depends on it, such as an
    appeal, so that it can no longer be removed; null: nothing does.
    """

    __tablename__ = "evidence_file"
    __table_args__ = (
        CheckConstraint(
            "subject_kind IN ('submission', 'milestone', 'target', 'register_row')", name="kind"
        ),
        CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removed_by_somebody"),
        Index("ix_evidence_file_subject", "city_code", "subject_kind", "subject_id", "id"),
        Index(
            "ix_evidence_file_plan",
            "city_code",
            "plan_code",
            "id",
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[str] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    indicator_code: Mapped[str | None] = mapped_column(Text)
    measure_code: Mapped[str | None] = mapped_column(Text)
    register_code: Mapped[str | None] = mapped_column(Text)
    period: Mapped[str | None] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)
    sm3: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    added_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    removed_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    rested_upon_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EvidenceArchive(MadeRow, Base):
    """An archive of evidence that a worker makes: the request, and its file once made.

    `file_token` is the token of the lease it was made under; the file's key in the store ends in
    that.
    """

    __tablename__ = "evidence_archive"
    __table_args__ = (
        CheckConstraint("state IN ('making', 'made', 'over')", name="state"),
        Index(
            "ix_evidence_archive_waiting",
            "city_code",
            "id",
            postgresql_where=text("state = 'making'"),
        ),
    )

    plan_code: Mapped[str] = mapped_column(Text)
    credential_id: Mapped[UUID] = mapped_column()
    period: Mapped[str | None] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    file_token: Mapped[UUID | None] = mapped_column()
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
