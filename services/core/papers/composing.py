"""A paper of whatever kind, composed of what the ledger says: as it was asked for, or as of now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.papers import queries
from services.core.papers.blocks import PaperHead
from services.core.papers.bulletin import bulletin
from services.core.papers.making import PaperContent, kept
from services.core.papers.models import Paper
from services.core.papers.office_texts import DEFAULT_TEXTS, filled
from services.core.papers.sentences import day_name, period_name
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class PaperSubject:
    """What a paper is about, and what the office has it say.

    `sequence` is which scoreboard of its period it speaks of; None: the newest.
    """

    kind: str
    year: int
    period: str | None
    about: str | None
    sequence: int | None
    said: Mapping[str, Any]

    @classmethod
    def of(cls, paper: Paper, *, as_of_now: bool = False) -> "PaperSubject":
        """Return what a paper is about; `as_of_now` whatever the ledger said when it was asked."""
        sequence = None if as_of_now else paper.wanted.get("sequence")
        return cls(paper.kind, paper.year, paper.period, paper.about, sequence, paper.wanted)


async def compose(
    session: AsyncSession, plan: PlanState, subject: PaperSubject
) -> PaperContent | None:
    """Return a paper; None: what it is about is there no more."""
    if subject.period is None:
        return None
    period = plan.period_calendar.period(subject.period)
    ground = await queries.ground_of(session, plan, period, sequence=subject.sequence)
    if ground is None:
        return None
    document = ground.plan.document
    values = {
        "城市": document.city.name,
        "计划": document.title,
        "期间": period_name(period),
        "截至": day_name(ground.as_of),
    }
    texts = filled(DEFAULT_TEXTS[subject.kind], values)
    head = PaperHead(
        issuer=f"{texts['issuer']}文件",
        year=subject.year,
        number=subject.said.get("document_number"),
        status=document.status_text if document.status == "draft" else None,
    )
    issued_on = subject.said.get("issued_on")
    day = None if issued_on is None else day_name(date.fromisoformat(issued_on))
    return kept(bulletin(ground, texts, head, day), ground.position)
