"""Tables of papers: each paper, written once, and its files."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base
from services.core.kit.made_files import MadeRow


class Paper(MadeRow, Base):
    """A paper: its request, and once it is made its permanent content.

    `number` counts the papers of its plan, kind and year, from 1, in the order of making. `about`
    is the matter it is about, if any, `organization_code` the unit concerned. `position` is the log
    position of its figures, `as_of` their local date, `digest` the digest of its content. `content`
    and `figures` are long: lists leave them out.
    """

    __tablename__ = "paper"
    __table_args__ = (
        CheckConstraint("state IN ('making', 'made', 'over')", name="state"),
        CheckConstraint(
            "num_nonnulls(number, position, title, as_of, figure_count, content, figures, digest)"
            " = CASE state WHEN 'made' THEN 8 ELSE 0 END",
            name="whole_or_not_shown",
        ),
        Index("ix_paper_plan", "city_code", "plan_code", "id"),
        Index(
            "uq_paper_number",
            "city_code",
            "plan_code",
            "kind",
            "year",
            "number",
            unique=True,
        ),
        Index("ix_paper_waiting", "city_code", "id", postgresql_where=text("state = 'making'")),
    )

    plan_code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column()
    number: Mapped[int | None] = mapped_column()
    period: Mapped[str | None] = mapped_column(Text)
    about: Mapped[str | None] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)
    position: Mapped[int | None] = mapped_column(BigInteger)
    title: Mapped[str | None] = mapped_column(Text)
    as_of: Mapped[date | None] = mapped_column(Date)
    figure_count: Mapped[int | None] = mapped_column()
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    figures: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    digest: Mapped[str | None] = mapped_column(Text)
    made_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    credential_id: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PaperFile(Base):
    """A paper in one format: its permanent bytes.

    Large files are in the file store instead, under a key that ends in `file_token`.
    """

    __tablename__ = "paper_file"
    __table_args__ = (
        CheckConstraint("num_nonnulls(content, file_token) = 1", name="in_one_place"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    paper_id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    file_token: Mapped[UUID | None] = mapped_column()
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Text)


class PaperTexts(Base):
    """A version of the office's own texts of a kind of paper; immutable.

    Version 0, the default texts, has no row.
    """

    __tablename__ = "paper_texts"

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    plan_code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    texts: Mapped[dict[str, str]] = mapped_column(JSONB)
    changed_by: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
