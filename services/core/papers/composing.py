"""Composes a paper of any kind from the ledger, as of its request or as of now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.papers import queries
from services.core.papers.blocks import PaperHead, PaperText
from services.core.papers.bulletin import bulletin
from services.core.papers.ground import PaperGround
from services.core.papers.making import PaperContent, kept
from services.core.papers.matter_reading.queries import matter_of
from services.core.papers.matters import PaperMatter, feedback, supervision
from services.core.papers.models import Paper
from services.core.papers.office_texts import DEFAULT_TEXTS, filled
from services.core.papers.paper_kinds import is_form, is_pack
from services.core.papers.self_assessing import self_assessment
from services.core.papers.sentences import day_name, period_name
from services.core.papers.special import rows_about, special_report
from services.core.papers.tables import annex_two
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class PaperSubject:
    """The subject of a paper, and the office's inputs.

    `sequence` selects a scoreboard of its period; None: the newest. `at` is the instant up to which
    submissions are considered; None: the scoreboard's. `today` is the local date for a matter's
    state. `evidence_by` is the instant by which its evidence was decided on; None: now. `texts` are
    the office's own.
    """

    kind: str
    period: str | None
    about: str | None
    sequence: int | None
    today: date
    said: Mapping[str, Any]
    evidence_by: datetime | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None

    @classmethod
    def of(
        cls, paper: Paper, *, today: date | None = None, now: datetime | None = None
    ) -> "PaperSubject":
        """Return the subject of a paper; with `today` and `now` as of the present ledger."""
        asked = date.fromisoformat(paper.wanted["today"])
        sequence = paper.wanted.get("sequence") if today is None else None
        looked_at = paper.wanted.get("looked_at")
        at = now if looked_at is None or now is not None else datetime.fromisoformat(looked_at)
        return cls(
            kind=paper.kind,
            period=paper.period,
            about=paper.about,
            sequence=sequence,
            today=today or asked,
            said=paper.wanted,
            evidence_by=paper.created_at if today is None else None,
            at=at,
        )


async def compose(
    session: AsyncSession, plan: PlanState, subject: PaperSubject
) -> PaperContent | None:
    """Return the content of a paper; None: its subject no longer exists."""
    own = await queries.texts_of(
        session, plan.city_code, plan.code, subject.kind, subject.said.get("texts_version", 0)
    )
    subject = replace(subject, texts={} if own is None else own.texts)
    if is_form(subject.kind):
        matter = await matter_of(session, plan, subject.about or "", subject.today)
        return None if matter is None else kept(_form(plan, subject, matter), matter.position)
    period = plan.period_calendar.period(subject.period or "")
    ground = await queries.ground_of(
        session, plan, period, sequence=subject.sequence, at=subject.at
    )
    if ground is None:
        return None
    if subject.about is not None and not rows_about(ground, subject.about)[1]:
        return None
    files = 0
    if is_pack(subject.kind):
        files = await queries.evidence_count(session, plan, period, by=subject.evidence_by)
    return kept(_of_period(ground, subject, files), ground.position)


def _of_period(ground: PaperGround, subject: PaperSubject, files: int) -> PaperText:
    texts = _texts(ground.plan, subject, period_name(ground.period), ground.as_of)
    day = _day(subject)
    if subject.kind == "self_assessment":
        head = _head(ground.plan, subject, None)
        return self_assessment(ground, texts, head, day, files=files)
    if subject.kind == "annex2":
        return annex_two(ground, texts, _head(ground.plan, subject, None, landscape=True))
    head = _head(ground.plan, subject, f"{texts['issuer']}文件")
    if subject.kind == "special":
        return special_report(ground, subject.about or "", texts, head, day)
    return bulletin(ground, texts, head, day)


def _form(plan: PlanState, subject: PaperSubject, matter: PaperMatter) -> PaperText:
    texts = _texts(plan, subject, f"{subject.today.year}年", subject.today)
    if subject.kind == "feedback":
        return feedback(matter, texts, _head(plan, subject, None), _day(subject))
    head = _head(plan, subject, texts["issuer"])
    return supervision(matter, texts, head, _day(subject))


def _texts(plan: PlanState, subject: PaperSubject, called: str, as_of: date) -> dict[str, str]:
    document = plan.document
    values = {
        "城市": document.city.name,
        "计划": document.title,
        "期间": called,
        "截至": day_name(as_of),
    }
    shipped = DEFAULT_TEXTS[subject.kind]  # type: ignore[index] # ours alone are kept
    return filled({**shipped, **subject.texts}, values)


def _head(
    plan: PlanState, subject: PaperSubject, issuer: str | None, *, landscape: bool = False
) -> PaperHead:
    document = plan.document
    return PaperHead(
        issuer=issuer,
        year=_year(subject),
        number=subject.said.get("document_number"),
        status=document.status_text if document.status == "draft" else None,
        landscape=landscape,
    )


def _year(subject: PaperSubject) -> int | None:
    """Return the year of a paper's document number; None: not known yet.

    It is that of the day of issue. A form describes its matter as of today; a paper on a period is
    reproduced with the same bytes in any year.
    """
    issued_on = subject.said.get("issued_on")
    if issued_on is not None:
        return date.fromisoformat(issued_on).year
    return subject.today.year if is_form(subject.kind) else None


def _day(subject: PaperSubject) -> str | None:
    issued_on = subject.said.get("issued_on")
    return None if issued_on is None else day_name(date.fromisoformat(issued_on))
