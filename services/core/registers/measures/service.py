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
"""The reason given when a register's figure is taken back."""

_NOBODYS = columns_of(Authorship(Authors(), {}))
"""A register's figure has no author: whoever hands it in is its first."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A changed figure: its unit and period, and its source rows."""

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
    """Propose the results of a measure for some periods; return how many figures changed.

    An empty slot gets a draft, and an untouched draft of this kind is updated, as long as its
    period is open. If anything else occupies the slot, the figure is stored as another source's
    observation, so that a difference becomes a conflict. A figure with the same value and source
    rows as before writes nothing; with `afresh` it is proposed again if its draft is missing, or
    shows a value from before its period was closed.
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
        # If the remaining rows no longer give a figure, the existing one becomes empty.
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
    """Return the figures that differ from `before` in value or source rows, or are `undrafted`.

    One statement reads the digests of all figures, and a second the source rows of those that
    changed.
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
    """Return the empty slots of open periods whose draft is missing or outdated.

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
    """Return whether a slot is empty, or has an untouched draft with another value."""
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
    """Record figures as observations of another source; withdraw those that no longer exist."""
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
    # A figure that no source may report, such as a negative share, also withdraws the one before
    # it.
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
    """Write drafts into empty slots; return the submission of each slot."""
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
            # No draft without a value, least of all for a unit that no longer reports the
            # indicator.
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
    """Return the sample size and interval of a survey's share; empty for other figures."""
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
