"""Reading papers, and what they are made of."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from services.core.alerts.models import Alert
from services.core.calendars.queries import working_calendar
from services.core.events.queries import log_position
from services.core.evidence.models import Evidence
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.obligations.queries import is_handed_in
from services.core.papers.errors import PaperNotFound
from services.core.papers.ground import OtherBoard, PaperGround
from services.core.papers.matters import PaperMatter
from services.core.papers.models import Paper, PaperFile
from services.core.papers.sentences import period_before, period_name, year_before
from services.core.plan.periods import Period
from services.core.plan.queries import plan_document
from services.core.plan.state import PlanState
from services.core.plan.visibility import Owned, scope
from services.core.scoring.models import ScoreSnapshot

_OWNED = Owned(
    city="paper.city_code",
    plan="paper.plan_code",
    unit="paper.organization_code",
    # What is about the whole plan is made of approved values alone.
    approved="paper.organization_code IS NULL",
)
"""Whose a paper is: of the unit that it is about; one about the plan is nobody's alone."""

_WITHOUT_WORDS = (defer(Paper.content, raiseload=True), defer(Paper.figures, raiseload=True))


async def ground_of(
    session: AsyncSession, plan: PlanState, period: Period, *, sequence: int | None = None
) -> PaperGround | None:
    """Return what a paper on a period is made of, by the scoreboard of this sequence or the newest.

    None: the period has none.
    """
    found = await _board(session, plan, period, sequence=sequence)
    if found is None:
        return None
    document = plan.document
    if found.plan_version != plan.version:
        document = await plan_document(session, plan.city_code, plan.code, found.plan_version)
    return PaperGround(
        plan=replace(plan, version=found.plan_version, document=document),
        period=period,
        board=found.board,
        position=found.position,
        as_of=found.local_date,
        previous=await _other(session, plan, period_before(period), found.computed_at),
        last_year=await _other(session, plan, year_before(period), found.computed_at),
    )


async def _board(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    *,
    sequence: int | None = None,
    as_of: datetime | None = None,
) -> ScoreSnapshot | None:
    """Return a scoreboard without its traces: that of a sequence, or the newest then."""
    wanted = (
        select(ScoreSnapshot)
        .options(defer(ScoreSnapshot.traces, raiseload=True))
        .where(
            ScoreSnapshot.city_code == plan.city_code,
            ScoreSnapshot.plan_code == plan.code,
            ScoreSnapshot.basis == "approved",
            ScoreSnapshot.period == period.code,
        )
        .order_by(ScoreSnapshot.sequence.desc())
        .limit(1)
    )
    if sequence is not None:
        wanted = wanted.where(ScoreSnapshot.sequence == sequence)
    if as_of is not None:
        wanted = wanted.where(ScoreSnapshot.computed_at <= as_of)
    return await session.scalar(wanted)


async def _other(
    session: AsyncSession, plan: PlanState, period: Period, as_of: datetime
) -> OtherBoard | None:
    """Return the scoreboard of another period as it was at an instant."""
    found = await _board(session, plan, period, as_of=as_of)
    return None if found is None else OtherBoard(period, found.board)


async def under_way(session: AsyncSession, city_code: str, credential_id: UUID) -> int:
    """Return how many papers of a credential are being made."""
    found = await session.scalar(
        select(func.count()).where(
            Paper.city_code == city_code,
            Paper.credential_id == credential_id,
            Paper.state == "making",
        )
    )
    return found or 0


async def paper_leased(
    session: AsyncSession, city_code: str, paper_id: UUID, token: UUID
) -> Paper | None:
    """Return a paper that is being made, locked, if the lease of this token is still good."""
    return await session.scalar(
        select(Paper)
        .where(
            Paper.city_code == city_code,
            Paper.id == paper_id,
            Paper.lease_token == token,
            Paper.state == "making",
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def papers_of(
    session: AsyncSession,
    actor: Actor,
    plan_code: str,
    *,
    kind: str | None,
    period: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Paper]:
    """Return the papers of a plan that a caller sees, the newest first, after an id."""
    seen = scope(actor, _OWNED)
    wanted = (
        select(Paper)
        .options(*_WITHOUT_WORDS)
        .where(text(seen.sql).bindparams(**seen.parameters))
        .where(Paper.city_code == actor.city_code, Paper.plan_code == plan_code)
        .where(Paper.state == "made")
    )
    if kind is not None:
        wanted = wanted.where(Paper.kind == kind)
    if period is not None:
        wanted = wanted.where(Paper.period == period)
    if after is not None:
        wanted = wanted.where(Paper.id < after)
    return (await session.scalars(wanted.order_by(Paper.id.desc()).limit(limit))).all()


async def paper_of(
    session: AsyncSession, actor: Actor, paper_id: UUID, *, whole: bool = False
) -> Paper:
    """Return a paper that was made, if the caller sees it; `whole` with what it says.

    Raises:
        PaperNotFound: there is none.
    """
    seen = scope(actor, _OWNED)
    found = await session.scalar(
        select(Paper)
        .options(*(() if whole else _WITHOUT_WORDS))
        .where(text(seen.sql).bindparams(**seen.parameters))
        .where(Paper.city_code == actor.city_code, Paper.id == paper_id, Paper.state == "made")
    )
    if found is None:
        raise PaperNotFound
    return found


async def files_of(
    session: AsyncSession, city_code: str, paper_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[str, int, str]]]:
    """Return of each paper its files: format, length in bytes and digest."""
    rows = await session.execute(
        select(PaperFile.paper_id, PaperFile.format, PaperFile.size, PaperFile.sha256)
        .where(PaperFile.city_code == city_code, PaperFile.paper_id.in_(paper_ids))
        .order_by(PaperFile.paper_id, PaperFile.format)
    )
    found: dict[UUID, list[tuple[str, int, str]]] = {}
    for paper_id, form, size, sha256 in rows:
        found.setdefault(paper_id, []).append((form, size, sha256))
    return found


async def file_of(session: AsyncSession, paper: Paper, form: str) -> PaperFile | None:
    """Return a paper in a format; None: it was not made in that one."""
    return await session.get(PaperFile, (paper.city_code, paper.id, form))


# Evidence of a year


async def evidence_count(
    session: AsyncSession, plan: PlanState, period: Period, *, before: UUID | None
) -> int:
    """Return how many files of evidence a year has, of those that came before an id."""
    found = await session.scalar(select(func.count()).where(*_evidence(plan, period, before)))
    return found or 0


async def evidence_of(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    *,
    before: UUID,
    after: UUID | None,
    limit: int,
) -> Sequence[Evidence]:
    """Return up to `limit` files of evidence of a year, by id, after a given one."""
    wanted = select(Evidence).where(*_evidence(plan, period, before))
    if after is not None:
        wanted = wanted.where(Evidence.id > after)
    return (await session.scalars(wanted.order_by(Evidence.id).limit(limit))).all()


def _evidence(plan: PlanState, period: Period, before: UUID | None) -> list[ColumnElement[bool]]:
    """Return the conditions on the evidence of a year: of its periods, and of what was promised."""
    within = [period.code]
    for frequency in ("half_yearly", "quarterly", "monthly"):
        within += [one.code for one in period.children(frequency)]
    wanted = [
        Evidence.city_code == plan.city_code,
        Evidence.plan_code == plan.code,
        Evidence.removed_at.is_(None),
        or_(Evidence.period.in_(within), Evidence.subject_kind == "milestone"),
    ]
    if before is not None:
        wanted.append(Evidence.id < before)
    return wanted


async def packs_kept_among(
    session: AsyncSession, city_code: str, tokens: Sequence[UUID]
) -> frozenset[UUID]:
    """Return which of these a paper that is kept has its archive under."""
    found = await session.scalars(
        select(PaperFile.file_token).where(
            PaperFile.city_code == city_code, PaperFile.file_token.in_(tokens)
        )
    )
    return frozenset(one for one in found if one is not None)


# Of one matter


async def matter_of(
    session: AsyncSession, plan: PlanState, about: str, today: date
) -> PaperMatter | None:
    """Return a milestone, an obligation or an alert as it stands, named `milestone/…`; or None.

    An alert about a milestone or an obligation stands for that.
    """
    kind, _, subject_id = about.partition("/")
    if kind == "alert":
        found = await session.get(Alert, (plan.city_code, UUID(subject_id)))
        if found is None or found.plan_code != plan.code:
            return None
        if found.subject_kind not in {"milestone", "obligation"}:
            return await _alert(session, plan, found, today)
        kind, subject_id = found.subject_kind, found.subject_id
    reading = _milestone if kind == "milestone" else _obligation
    matter = await reading(session, plan, UUID(subject_id), today)
    if matter is None:
        return None
    answered = await _answered(session, plan, kind, subject_id)
    if answered is None:
        return replace(matter, about=about)
    promised = answered.promised_date or matter.promised
    return replace(matter, about=about, answer=answered.answer, promised=promised)


async def _answered(
    session: AsyncSession, plan: PlanState, kind: str, subject_id: str
) -> Alert | None:
    """Return the alert of a thing that was answered last."""
    return await session.scalar(
        select(Alert)
        .where(
            Alert.city_code == plan.city_code,
            Alert.plan_code == plan.code,
            Alert.subject_kind == kind,
            Alert.subject_id == subject_id,
            Alert.answered_at.is_not(None),
        )
        .order_by(Alert.answered_at.desc(), Alert.id.desc())
        .limit(1)
    )


async def _looked_at(
    session: AsyncSession, plan: PlanState, due: date | None, today: date
) -> dict[str, Any]:
    """Return what every matter is told by: the day, the log, and the working days."""
    supervision = plan.document.supervision
    calendar = await working_calendar(session, plan.city_code, supervision.calendar)
    return {
        "today": today,
        "due_date": due,
        "days": 0 if due is None else calendar.between(due, today),
        "reply_by": calendar.shifted(today, supervision.answer_days),
        "position": await log_position(session, plan.city_code),
    }


async def _milestone(
    session: AsyncSession, plan: PlanState, milestone_id: UUID, today: date
) -> PaperMatter | None:
    found = await session.get(Milestone, (plan.city_code, milestone_id))
    if found is None or found.plan_code != plan.code:
        return None
    measure = plan.measures.get(found.measure_code)
    return PaperMatter(
        **await _looked_at(session, plan, found.due_date, today),
        about=f"milestone/{found.id}",
        name=found.title,
        source=f"措施{found.measure_code}：{'' if measure is None else measure.text}",
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state=found.state,
        original_due_date=found.original_due_date,
        late=found.due_date < today and found.state not in _DONE,
        percent=plain(found.percent),
        done=found.narrative,
        problems=found.problems,
        next_steps=found.next_steps,
        promised=found.expected_date,
        files=len(found.evidence) + len(found.files or ()),
    )


_DONE = frozenset({"completed", "closed", "cancelled"})


async def _obligation(
    session: AsyncSession, plan: PlanState, obligation_id: UUID, today: date
) -> PaperMatter | None:
    found = await session.get(Obligation, (plan.city_code, obligation_id))
    if found is None or found.plan_code != plan.code:
        return None
    came = await is_handed_in(session, found)
    name = plan.indicator_name(found.indicator_code)
    return PaperMatter(
        **await _looked_at(session, plan, found.due_date, today),
        about=f"obligation/{found.id}",
        name=f"报送{period_name(plan.period_calendar.period(found.period))}“{name}”数据",
        source=f"指标{found.indicator_code}：{name}",
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state="handed_in" if came else found.state,
        original_due_date=found.original_due_date,
        late=found.due_date < today and found.state == "owed" and not came,
        period=found.period,
        indicator=found.indicator_code,
    )


async def _alert(session: AsyncSession, plan: PlanState, found: Alert, today: date) -> PaperMatter:
    due = found.due_date
    source = plan.indicator_name(found.indicator_code) if found.indicator_code else found.message
    return PaperMatter(
        **await _looked_at(session, plan, due, today),
        about=f"alert/{found.id}",
        name=found.title,
        source=source,
        unit=found.organization_code,
        unit_name=plan.organization_name(found.organization_code),
        state="resolved" if found.state == "resolved" else "open",
        original_due_date=due,
        late=found.state != "resolved" and due is not None and due < today,
        promised=found.promised_date,
        answer=found.answer,
    )
