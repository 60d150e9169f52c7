"""Queries of papers, and of the data that they are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from services.core.evidence.models import Evidence
from services.core.evidence.queries import decided_on, of_rows_in
from services.core.identity.actor import Actor
from services.core.kit.database import lock_name
from services.core.papers.errors import PaperNotFound
from services.core.papers.ground import OtherBoard, PaperGround
from services.core.papers.lateness import OwedPlace, late_places, told_apart
from services.core.papers.models import Paper, PaperFile, PaperTexts
from services.core.papers.sentences import period_before, periods_before, year_before
from services.core.papers.statements import BOARDS_THEN, HANDED_IN_THEN
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version
from services.core.plan.visibility import Owned, scope
from services.core.scoring.models import ScoreSnapshot

_OWNED = Owned(
    city="paper.city_code",
    plan="paper.plan_code",
    unit="paper.organization_code",
    # Papers about the whole plan contain approved values only.
    approved="paper.organization_code IS NULL",
)
"""The owners of a paper: the unit that it is about; a paper about the plan has no owner."""

MOST_EARLIER = 4
"""How many earlier periods a paper compares with."""

_WITHOUT_WORDS = (defer(Paper.content, raiseload=True), defer(Paper.figures, raiseload=True))


async def ground_of(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    *,
    sequence: int | None = None,
    at: datetime | None = None,
) -> PaperGround | None:
    """Return the data of a paper on a period, by the scoreboard of this sequence or the newest.

    `at` is the instant up to which submissions are considered; None: the scoreboard's. Returns None
    if the period has no scoreboard.
    """
    found = await _board(session, plan, period, sequence=sequence)
    if found is None:
        return None
    drawn_by = await plan_of_version(session, plan, found.plan_version)
    earlier = periods_before(period, MOST_EARLIER)
    others = await _others(session, plan, [*earlier, year_before(period)], found.computed_at)
    looked_at = at or found.computed_at
    handed_in = await _handed_in(
        session,
        plan,
        [
            (found.board, looked_at),
            *((one.board, one.drawn_at) for one in others.values()),
        ],
    )
    others = {
        code: replace(one, board=told_apart(one.board, handed_in[one.drawn_at]))
        for code, one in others.items()
    }
    return PaperGround(
        plan=drawn_by,
        period=period,
        board=told_apart(found.board, handed_in[looked_at]),
        position=found.position,
        as_of=found.local_date,
        previous=others.get(period_before(period).code),
        last_year=others.get(year_before(period).code),
        earlier=[others[one.code] for one in earlier if one.code in others],
        drawn_at=found.computed_at,
    )


async def _board(
    session: AsyncSession, plan: PlanState, period: Period, *, sequence: int | None
) -> ScoreSnapshot | None:
    """Return a scoreboard without its traces: that of a sequence, or the newest."""
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
    return await session.scalar(wanted)


async def _others(
    session: AsyncSession, plan: PlanState, periods: Sequence[Period], as_of: datetime
) -> dict[str, OtherBoard]:
    """Return the scoreboards that periods had at an instant, each with its plan, by code."""
    by_code = {one.code: one for one in periods}
    asked = {"city": plan.city_code, "plan": plan.code, "periods": list(by_code), "as_of": as_of}
    others = {}
    for row in (await session.execute(BOARDS_THEN, asked)).all():
        drawn_by = await plan_of_version(session, plan, row.plan_version)
        others[row.period] = OtherBoard(
            by_code[row.period], row.board, row.computed_at, drawn_by.document
        )
    return others


async def _handed_in(
    session: AsyncSession, plan: PlanState, boards: Sequence[tuple[Mapping[str, Any], datetime]]
) -> dict[datetime, set[OwedPlace]]:
    """Return the overdue values of scoreboards that were handed in by an instant, by instant."""
    found: dict[datetime, set[OwedPlace]] = {at: set() for _, at in boards}
    asked = {(*place, at) for board, at in boards for place in late_places(board)}
    if asked:
        indicators, periods, units, instants = zip(*sorted(asked), strict=True)
        given = {
            "city": plan.city_code,
            "plan": plan.code,
            "indicators": list(indicators),
            "periods": list(periods),
            "units": list(units),
            "instants": list(instants),
        }
        for row in await session.execute(HANDED_IN_THEN, given):
            found[row.at].add((row.indicator_code, row.period, row.organization_code))
    return found


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
    """Return the papers of a plan that a caller sees, newest first, after an id."""
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
    """Return a finished paper, if the caller sees it; with `whole` including its content.

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
    """Return the files of each paper: format, length in bytes and digest."""
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
    """Return a paper's file in a format; None: it has none."""
    return await session.get(PaperFile, (paper.city_code, paper.id, form))


# The office's texts


async def texts_in_force(
    session: AsyncSession, city_code: str, plan_code: str, kind: str
) -> PaperTexts | None:
    """Return the office's texts of a kind of paper; None: the defaults apply."""
    return await session.scalar(
        select(PaperTexts)
        .where(
            PaperTexts.city_code == city_code,
            PaperTexts.plan_code == plan_code,
            PaperTexts.kind == kind,
        )
        .order_by(PaperTexts.version.desc())
        .limit(1)
    )


async def texts_of(
    session: AsyncSession, city_code: str, plan_code: str, kind: str, version: int
) -> PaperTexts | None:
    """Return a version of the office's texts; None: the defaults."""
    return await session.get(PaperTexts, (city_code, plan_code, kind, version))


async def lock_texts(session: AsyncSession, plan: PlanState, kind: str) -> None:
    """Lock the texts of a kind against changes by others."""
    await lock_name(session, f"paper-texts/{plan.city_code}/{plan.code}/{kind}")


# Evidence of a year


async def evidence_count(
    session: AsyncSession, plan: PlanState, period: Period, *, by: datetime | None
) -> int:
    """Return how many files of evidence a year had by an instant; None: by now."""
    found = await session.scalar(select(func.count()).where(*_evidence(plan, period, by)))
    return found or 0


async def evidence_of(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    *,
    by: datetime,
    after: UUID | None,
    limit: int,
) -> Sequence[Evidence]:
    """Return up to `limit` files of evidence of a year by an instant, by id, after `after`."""
    wanted = select(Evidence).where(*_evidence(plan, period, by))
    if after is not None:
        wanted = wanted.where(Evidence.id > after)
    return (await session.scalars(wanted.order_by(Evidence.id).limit(limit))).all()


def _evidence(plan: PlanState, period: Period, by: datetime | None) -> list[ColumnElement[bool]]:
    """Return the conditions on the evidence of a year.

    It is the evidence of its periods, of milestones, and of register rows that count in the year,
    if something was approved, closed or confirmed with it, because the superior reads it.
    """
    within = [period.code]
    for frequency in ("half_yearly", "quarterly", "monthly"):
        within += [one.code for one in period.children(frequency)]
    wanted = [
        Evidence.city_code == plan.city_code,
        Evidence.plan_code == plan.code,
        Evidence.removed_at.is_(None),
        or_(
            Evidence.period.in_(within),
            Evidence.subject_kind == "milestone",
            of_rows_in(plan.city_code, period),
        ),
        decided_on(plan.city_code, by),
    ]
    if by is not None:
        wanted.append(Evidence.added_at <= by)
    return wanted


async def packs_kept_among(
    session: AsyncSession, city_code: str, tokens: Sequence[UUID]
) -> frozenset[UUID]:
    """Return which of these tokens belong to archives of papers that are kept."""
    found = await session.scalars(
        select(PaperFile.file_token).where(
            PaperFile.city_code == city_code, PaperFile.file_token.in_(tokens)
        )
    )
    return frozenset(one for one in found if one is not None)
