"""Proposes the figures of registers: a draft for the unit to hand in, and a comparison figure.

Nothing is handed in or approved here. A figure is stored with the data that it was computed from.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import operator, system
from services.core.kit.decimals import display, plain, times
from services.core.observations.rules import ObservationDraft
from services.core.observations.service import record_measured, withdraw_measured
from services.core.plan.periods import Period
from services.core.plan.register_entries import Register, RegisterMeasure
from services.core.plan.state import REGISTER_SOURCE, PlanState
from services.core.registers.measures import queries
from services.core.registers.measures.models import RegisterFigure
from services.core.registers.measures.queries import MOST_ROWS_TOLD, NO_ROWS, FigureRow
from services.core.registers.measures.rules import (
    Measured,
    left_behind,
    reporter_of,
    shown_value,
    with_what_is_gone,
)
from services.core.registers.measures.surveys import survey_share
from services.core.submissions.authorship import Authors, Authorship, columns_of
from services.core.submissions.batch.writing import Change, insert_rows, remember, update_rows
from services.core.submissions.creation import SubmissionDraft, new_row
from services.core.submissions.judging import value_faults
from services.core.submissions.rules import Form, Remarks, reported

ACTOR = system("registers")

GONE = "台账已不能给出该数值"
"""Why what a register said is taken back."""

_NOBODYS = columns_of(Authorship(Authors(), {}))
"""What a register says is nobody's words: whoever hands it in is its first author."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A figure that is another than the one before: of which unit and period, and from what."""

    measured: Measured
    unit: str
    form: Form
    version: int
    digest: str
    rows: Sequence[Any]


async def propose(
    session: AsyncSession,
    plan: PlanState,
    register: Register,
    measure: RegisterMeasure,
    periods: Sequence[Period],
    *,
    position: int,
    now: datetime,
    afresh: bool = False,
) -> int:
    """Propose what a measure gives for some periods; return how many figures are others now.

    A place that nobody has filled gets a draft, and one that still is such a draft is brought up to
    date, as long as its period is open. Beside whatever else holds a place the figure stands as
    what another source says, so that a difference is a conflict. A figure that is as it was found
    before, from the same rows, writes nothing; `afresh` it is proposed again where its draft is not
    there, or says what was found before its period was closed.
    """
    before = {
        (row["organization_code"], row["period"]): row
        for row in await queries.latest(
            session, plan, register, measure, [one.code for one in periods]
        )
    }
    possible = []
    now_measured = await queries.measured(session, plan, register, measure, periods)
    holders = await queries.holders(session, plan, measure, periods)
    said = left_behind(before, measure)
    for one in with_what_is_gone(now_measured, before, measure):
        unit = reporter_of(plan, measure, one.organization_code, holders.get(one.period))
        form = one.form(measure)
        behind = [place for place in said if place[1] == one.period and place[0] != unit]
        possible += [(one, former, Form()) for former, _ in behind]
        is_new = not behind and (unit, one.period) not in before
        if unit is None or ((form is None or one.is_empty) and is_new):
            continue
        # Rows that give a figure no more leave none where there was one.
        possible.append((one, unit, form or Form()))
    undrafted = await _undrafted(session, plan, measure, possible) if afresh else set()
    found = await _others(session, plan, (register, measure), possible, before, periods, undrafted)
    if found:
        await _write(session, plan, (register, measure), found, position=position, now=now)
    return len(found)


async def _others(
    session: AsyncSession,
    plan: PlanState,
    what: tuple[Register, RegisterMeasure],
    possible: Sequence[tuple[Measured, str, Form]],
    before: Mapping[tuple[str, str], FigureRow],
    periods: Sequence[Period],
    undrafted: Collection[tuple[str, str]],
) -> list[_Found]:
    """Return the figures that are others than `before`, from other rows, or `undrafted`.

    One statement tells that of all of them, and a second the rows of those that are.
    """
    wanted = {one.period for one, _, _ in possible}
    rested = await queries.rested_on(
        session, plan, *what, [one for one in periods if one.code in wanted]
    )

    def is_other(one: Measured, unit: str, form: Form) -> bool:
        last = before.get((unit, one.period))
        digest = rested.get((one.period, one.organization_code), NO_ROWS).digest
        if last is None or (unit, one.period) in undrafted:
            return True
        return last["digest"] != digest or not _same(last, form)

    others = [each for each in possible if is_other(*each)]
    moved = {one.period for one, _, _ in others}
    told = await queries.rested_on(
        session,
        plan,
        *what,
        [one for one in periods if one.code in moved],
        most=MOST_ROWS_TOLD,
    )
    found = []
    for one, unit, form in others:
        last = before.get((unit, one.period))
        version = 1 if last is None else last["version"] + 1
        on = told.get((one.period, one.organization_code), NO_ROWS)
        found.append(_Found(one, unit, form, version, on.digest, on.rows))
    return found


async def _undrafted(
    session: AsyncSession,
    plan: PlanState,
    measure: RegisterMeasure,
    possible: Sequence[tuple[Measured, str, Form]],
) -> set[tuple[str, str]]:
    """Return the places of open periods that nobody filled and whose draft is not what is found.

    While a period is closed its draft does not follow the rows, and a unit may have withdrawn it.
    """
    wanted = {
        (unit, one.period): form
        for one, unit, form in possible
        if form != Form() and plan.period_state(one.period) == "open"
    }
    held = await queries.places(session, plan, measure.indicator or "", list(wanted))
    return {place for place, form in wanted.items() if _lacks_draft(held.get(place), form)}


def _lacks_draft(row: Mapping[str, Any] | None, form: Form) -> bool:
    """Return whether a place holds nothing, or an untouched draft that says something else."""
    return row is None or (_is_untouched(row) and not _same(row, form))


def _is_untouched(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == "draft" and row["authors"] == [])


def _same(last: Mapping[str, Any], form: Form) -> bool:
    if form.value is not None or form == Form():
        return bool(last["value"] == form.value and last["numerator"] == form.numerator)
    return (last["numerator"], last["denominator"]) == (form.numerator, form.denominator)


async def _write(
    session: AsyncSession,
    plan: PlanState,
    what: tuple[Register, RegisterMeasure],
    found: Sequence[_Found],
    *,
    position: int,
    now: datetime,
) -> None:
    register, measure = what
    drafts = await _put_drafts(session, plan, what, found, position=position, now=now)
    indicator = measure.indicator or ""
    await session.execute(
        insert(RegisterFigure),
        [
            {
                "city_code": plan.city_code,
                "plan_code": plan.code,
                "register_code": register.code,
                "measure_code": measure.code,
                "organization_code": one.unit,
                "period": one.measured.period,
                "version": one.version,
                "indicator_code": indicator,
                "value": shown_value(one.form, plan, indicator),
                "numerator": one.form.numerator,
                "denominator": one.form.denominator,
                "row_count": one.measured.row_count,
                "rows": list(one.rows),
                "digest": one.digest,
                "position": position,
                "submission_id": drafts.get((one.unit, one.measured.period)),
                "found_at": now,
            }
            for one in found
        ],
    )
    await _say(session, plan, what, found, position=position, now=now)


async def _say(
    session: AsyncSession,
    plan: PlanState,
    what: tuple[Register, RegisterMeasure],
    found: Sequence[_Found],
    *,
    position: int,
    now: datetime,
) -> None:
    """Say as another source what was found; where that is nothing, take back what was said."""
    register, measure = what
    drafts = [
        ObservationDraft(
            index,
            indicator_code=measure.indicator or "",
            organization_code=one.unit,
            period=one.measured.period,
            reference=f"{register.code}.{measure.code}@{position}.{one.version}",
            form=one.form,
        )
        for index, one in enumerate(found)
    ]
    source = f"{REGISTER_SOURCE}{register.code}"
    recorded = await record_measured(
        session,
        [one for one in drafts if one.form != Form()],
        source_code=source,
        plan=plan,
        stamp=ACTOR,
        now=now,
    )
    # A figure that no source may say, such as a negative share, leaves the one before it no more
    # than none does.
    unsaid = {one.index for one in recorded if one.outcome == "rejected"}
    await withdraw_measured(
        session,
        [one.place for one in drafts if one.form == Form() or one.index in unsaid],
        source_code=source,
        plan=plan,
        stamp=ACTOR,
        reason=GONE,
        now=now,
    )


async def _put_drafts(
    session: AsyncSession,
    plan: PlanState,
    what: tuple[Register, RegisterMeasure],
    found: Sequence[_Found],
    *,
    position: int,
    now: datetime,
) -> Mapping[tuple[str, str], UUID]:
    """Write drafts where nobody said anything; return the submission of each place."""
    _, measure = what
    indicator = plan.indicators[measure.indicator or ""]
    wanted = [(one.unit, one.measured.period) for one in found]
    held = await queries.places(session, plan, indicator.code, wanted)
    ids = {place: row["id"] for place, row in held.items()}
    made, changed = [], []
    for one in found:
        place = (one.unit, one.measured.period)
        if plan.period_state(one.measured.period) != "open":
            continue
        if value_faults(one.form, indicator, plan, one.measured.period, draft=True):
            continue
        said = {
            **reported(one.form, indicator).columns,
            "source": _source(what, one, position),
            **_NOBODYS,
        }
        row = held.get(place)
        if row is None and one.form == Form():
            # Nothing is drafted of nothing, and least for a unit that reports it no more.
            continue
        if row is None:
            draft = SubmissionDraft(
                indicator.code, one.unit, one.measured.period, one.form, Remarks(), draft=True
            )
            base = new_row(draft, indicator, plan=plan, actor=operator(plan.city_code), now=now)
            made.append({**base, **said, "on_behalf": False})
        elif _is_untouched(row):
            changed.append({**row, **said, "version": row["version"] + 1, "updated_at": now})
    done = await insert_rows(session, made, plan) | await update_rows(session, changed, plan)
    written = [Change(row, "created") for row in made if row["id"] in done]
    written += [Change(row, "changed") for row in changed if row["id"] in done]
    await remember(session, written, plan=plan, stamp=ACTOR, now=now)
    for change in written:
        ids[change.row["organization_code"], change.row["period"]] = change.row["id"]
    return ids


def _source(what: tuple[Register, RegisterMeasure], one: _Found, position: int) -> str:
    register, measure = what
    return (
        f"台账“{register.name}”{measure.name}：{plain(Decimal(one.measured.row_count))} 行，"
        f"{_of_survey(measure, one)}日志序号 {position}，SHA-256 {one.digest[:16]}"
    )


def _of_survey(measure: RegisterMeasure, one: _Found) -> str:
    """Return what a reader of a survey's share has to know beside it; nothing of other figures."""
    rule = measure.survey
    if rule is None:
        return "" if one.form != Form() else "已不能算出数值，"
    found = survey_share(one.measured.groups, rule)
    answers = f"有效样本 {plain(found.answers)} 份，"
    if found.interval is None:
        return f"{answers}不足以给出占比（{found.refused}），"
    bounds = (found.interval.lower, found.interval.upper)
    low, high = (display(times(bound, Decimal(100))) for bound in bounds)
    by = "按总体加权，" if found.weighted else ""
    return f"{answers}{by}{rule.confidence}% 置信区间 {low}%～{high}%（Wilson），"
