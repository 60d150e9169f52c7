"""People's actions on items: sending again with a reason, and recording what a superior holds."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.connectors import queries
from services.core.connectors.dispatch import figure_of
from services.core.connectors.errors import ConnectorTransitionRefused
from services.core.connectors.mapping import (
    CodeMapping,
    missing_codes,
    read_figure,
    read_mapping,
    unit_of,
)
from services.core.connectors.models import (
    Connector,
    ConnectorItem,
    ConnectorStatement,
    ConnectorStatementLine,
)
from services.core.connectors.rules import TRIED_AGAIN, reports
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class SentAgain:
    """The result of sending an item again; `item_id` is the item that is sent now."""

    asked_id: UUID
    item_id: UUID | None
    state: str | None
    code: str | None = None


async def send_again(
    session: AsyncSession,
    connector: Connector,
    ids: Sequence[UUID],
    *,
    reason: str,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> list[SentAgain]:
    """Send refused and failed items of a locked connector again, and return the result of each.

    A refused item gets a new id and today's mapping, because the receiver has answered the old id,
    if the connector still reports it. An unanswered item keeps its id, so that the receiver
    recognizes a duplicate. An item followed by another revision is left alone.

    Raises:
        ConnectorTransitionRefused: the connector has ended.
    """
    if connector.ended_at is not None:
        raise ConnectorTransitionRefused(extra={"state": connector.state, "allowed_actions": []})
    rows = await queries.items_for_update(session, connector.city_code, connector.id, ids)
    found = {one.id: one for one in rows}
    places = {(one.indicator_code, one.organization_code, one.period): None for one in rows}
    standing = await queries.items_at(session, connector.city_code, [connector.id], list(places))
    last = {items[-1].id for items in standing.values()}
    mapping = read_mapping(connector.mapping)
    done: list[SentAgain] = []
    for item_id in ids:
        row = found.get(item_id)
        if row is None:
            done.append(SentAgain(item_id, None, None, "connector-item-not-found"))
        elif row.state not in TRIED_AGAIN:
            done.append(SentAgain(item_id, None, row.state, "transition-refused"))
        elif row.id not in last:
            done.append(SentAgain(item_id, None, row.state, "superseded"))
        elif row.state == "refused" and not reports(
            connector, plan, indicator_code=row.indicator_code, period=row.period
        ):
            done.append(SentAgain(item_id, None, row.state, "not-reported"))
        else:
            done.append(await _again(session, row, mapping, plan, now))
    await session.flush()
    sent = [str(one.item_id) for one in done if one.item_id is not None]
    if sent:
        await note_of(
            session,
            "connector",
            connector,
            "connector.items_retried",
            actor=actor.stamp(),
            data={"reason": reason, "items": sent},
            at=now,
        )
    return done


async def _again(
    session: AsyncSession,
    row: ConnectorItem,
    mapping: CodeMapping,
    plan: PlanState,
    now: datetime,
) -> SentAgain:
    if row.state == "failed":
        row.state, row.tries, row.settled_at = "unknown", 0, None
        # Only the database's clock decides which items are due.
        row.next_attempt_at = func.now()
        return SentAgain(row.id, row.id, "unknown")
    row.state, row.settled_at = "superseded", now
    await session.flush()
    missing = missing_codes(mapping, figure_of(row), unit_of(plan, row.indicator_code))
    state = "unmapped" if missing else "pending"
    made = ConnectorItem(
        city_code=row.city_code,
        id=new_id(),
        connector_id=row.connector_id,
        submission_id=row.submission_id,
        revision=row.revision,
        indicator_code=row.indicator_code,
        organization_code=row.organization_code,
        period=row.period,
        withdrawn=row.withdrawn,
        value=row.value,
        level=row.level,
        not_applicable_reason=row.not_applicable_reason,
        state=state,
        missing=missing,
        attempts=0,
        tries=0,
        next_attempt_at=func.now(),
        receipts=0,
        differs=False,
        created_at=now,
    )
    session.add(made)
    return SentAgain(row.id, made.id, state)


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A line of a statement as given, in the superior's codes."""

    indicator: str
    organization: str
    figure: object


async def take_statement(
    session: AsyncSession,
    connector: Connector,
    lines: Sequence[StatedLine],
    *,
    period: str,
    reference: str,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> ConnectorStatement:
    """Save a superior's statement of the figures that it holds for a period, beside earlier ones.

    Raises:
        InvalidInput: a line has a code that maps to none of ours, has no figure, or is a duplicate;
            all faults are reported.
    """
    mapping = read_mapping(connector.mapping)
    # A statement may contain what was reported of a period, even if the plan has it no longer.
    items = await queries.standing_items(session, connector, period)
    known = _Known(
        {*plan.indicators, *(one.indicator_code for one in items)},
        {*plan.organizations, *(one.organization_code for one in items)},
    )
    rows, faults = _read_lines(lines, mapping, known)
    if faults:
        raise InvalidInput(faults=faults)
    statement = ConnectorStatement(
        city_code=connector.city_code,
        id=new_id(),
        connector_id=connector.id,
        period=period,
        reference=reference,
        lines=len(rows),
        uploaded_by=actor.stamp(),
        uploaded_at=now,
    )
    session.add(statement)
    await session.flush()
    if rows:
        place = {"city_code": connector.city_code, "statement_id": statement.id}
        await session.execute(insert(ConnectorStatementLine), [{**place, **one} for one in rows])
    await note_of(
        session,
        "connector",
        connector,
        "connector.statement_taken",
        actor=actor.stamp(),
        data={"period": period, "reference": reference, "lines": len(rows)},
        at=now,
    )
    return statement


@dataclass(frozen=True, slots=True)
class _Known:
    """The codes of ours that a statement may be about."""

    indicators: Collection[str]
    organizations: Collection[str]


def _read_lines(
    lines: Sequence[StatedLine], mapping: CodeMapping, codes: _Known
) -> tuple[list[dict[str, Any]], list[Fault]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    faults: list[Fault] = []
    for place, line in enumerate(lines):
        indicator = mapping.ours("indicators", line.indicator)
        unit = mapping.ours("organizations", line.organization)
        figure = read_figure(line.figure)
        faults += _line_faults(place, line, (indicator, unit), figure, codes)
        if indicator is None or unit is None or figure is None:
            continue
        if (indicator, unit) in rows:
            said = Text("同一指标、同一单位重复", "This indicator and unit stand there twice")
            faults.append(Fault(f"/lines/{place}", "twice", said))
        rows[indicator, unit] = {
            "indicator_code": indicator,
            "organization_code": unit,
            "figure": figure,
        }
    return list(rows.values()), faults


def _line_faults(
    place: int,
    line: StatedLine,
    ours: tuple[str | None, str | None],
    figure: str | None,
    codes: _Known,
) -> Iterator[Fault]:
    known: Mapping[str, tuple[str | None, str, Collection[str]]] = {
        "indicator": (ours[0], line.indicator, codes.indicators),
        "organization": (ours[1], line.organization, codes.organizations),
    }
    for name, (code, theirs, there) in known.items():
        if code is None or code not in there:
            said = Text(
                "映射中没有这个上级代码；请先补充映射",
                "The mapping has no such code of theirs; add it first",
            )
            yield Fault(f"/lines/{place}/{name}", "unknown-code", said, theirs)
    if figure is None:
        said = Text("须为数值、等级或 not-applicable", "A number, a level or not-applicable")
        yield Fault(f"/lines/{place}/value", "missing", said)
