"""Outgoing batches: claimed under a lease, and recorded before anything is sent.

A claimed item is `unknown` from that moment: a worker may be lost at any line after it, and nobody
else can tell whether the superior has it. So it is queried, or sent again under the same id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors import queries
from services.core.connectors.mapping import (
    CodeMapping,
    OutgoingFigure,
    missing_codes,
    read_mapping,
    unit_of,
)
from services.core.connectors.messages import (
    OpenConnector,
    open_connector,
    payload_of,
    query_members,
    report_members,
    signed_message,
)
from services.core.connectors.models import Connector, ConnectorBatch, ConnectorItem
from services.core.connectors.rules import reports
from services.core.kit.ids import new_id
from services.core.kit.sealing import CannotUnseal, Seal
from services.core.plan.queries import periods_for_share, plan_state, with_document_in_force
from services.core.plan.state import PlanState
from services.core.webhooks.sending import Message

BatchKind = Literal["report", "query"]

_CONNECTORS_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """An item claimed to be sent or asked about; `before` is the state that it had."""

    id: UUID
    before: str
    tries: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A claimed request. `target` is None if its secrets cannot be unsealed here."""

    city_code: str
    id: UUID
    connector_id: UUID
    kind: BatchKind
    items: Sequence[ClaimedItem]
    target: OpenConnector | None

    def message(self, *, now: datetime, nonce: str, traceparent: str | None) -> Message:
        """Return the request, signed for this attempt."""
        target = self.target
        assert target is not None  # noqa: S101 (what cannot be opened is not sent)
        if self.kind == "query" and target.receipts_url is not None:
            url, ids = target.receipts_url, [one.id for one in self.items]
            members = query_members(self.id, ids)
        else:
            url = target.url
            members = report_members(self.id, [one.payload for one in self.items])
        return signed_message(target, url, members, now=now, nonce=nonce, traceparent=traceparent)


async def claim_batches(
    session: AsyncSession, city_code: str, *, seal: Seal, lease_seconds: float
) -> list[ClaimedBatch]:
    """Claim a batch for each connector of a city with due items; the caller commits before sending.

    Workers share them: connectors that another worker has locked are skipped.
    """
    claimed = []
    now = await queries.database_now(session)
    until = now + timedelta(seconds=lease_seconds)
    for connector_id in await queries.connectors_due(session, city_code, most=_CONNECTORS_AT_ONCE):
        connector = await queries.connector_for_update(session, city_code, connector_id)
        plan = await plan_state(session, city_code, connector.plan_code) if connector else None
        if connector is None or plan is None:
            continue
        batch = await _claimed(session, connector, plan, seal, now, until)
        if batch is not None:
            claimed.append(batch)
    return claimed


async def _claimed(
    session: AsyncSession,
    connector: Connector,
    plan: PlanState,
    seal: Seal,
    now: datetime,
    until: datetime,
) -> ClaimedBatch | None:
    kind, rows = await _due(session, connector)
    if kind == "report":
        rows = await _with_payload(session, connector, rows, plan, now)
    if not rows:
        return None
    batch_id = new_id()
    items = []
    for row in rows:
        items.append(ClaimedItem(row.id, row.state, row.tries, row.payload or {}))
        row.state, row.batch_id, row.next_attempt_at = "unknown", batch_id, until
        row.attempts += kind == "report"
    connector.lease_token, connector.lease_until = batch_id, until
    session.add(
        ConnectorBatch(
            city_code=connector.city_code,
            id=batch_id,
            connector_id=connector.id,
            kind=kind,
            items=len(items),
            started_at=now,
            accepted=0,
            refused=0,
            unanswered=0,
            unasked=0,
        )
    )
    await session.flush()
    return ClaimedBatch(
        connector.city_code, batch_id, connector.id, kind, items, _opened(connector, seal, now)
    )


def _opened(connector: Connector, seal: Seal, now: datetime) -> OpenConnector | None:
    try:
        return open_connector(connector, seal, now=now)
    except (CannotUnseal, ValueError):
        return None


async def _due(
    session: AsyncSession, connector: Connector
) -> tuple[BatchKind, Sequence[ConnectorItem]]:
    """Return a connector's due items; items to ask about come first."""
    most = connector.batch_size
    if connector.receipts_url_sealed is None:
        return "report", await queries.items_due(session, connector, asking=None, most=most)
    asked = await queries.items_due(session, connector, asking=True, most=most)
    if asked:
        return "query", asked
    return "report", await queries.items_due(session, connector, asking=False, most=most)


async def _with_payload(
    session: AsyncSession,
    connector: Connector,
    rows: Sequence[ConnectorItem],
    plan: PlanState,
    now: datetime,
) -> list[ConnectorItem]:
    """Return the items that can be sent, each with its payload."""
    rows = await _still_reported(session, connector, rows, plan, now)
    new = [row for row in rows if row.payload is None]
    found = await queries.replaced(session, connector.city_code, [one.id for one in new])
    mapping = read_mapping(connector.mapping)
    for row in new:
        _make_payload(row, mapping, plan, found.get(row.id), now)
    await session.flush()
    return [row for row in rows if row.payload is not None]


async def _still_reported(
    session: AsyncSession,
    connector: Connector,
    rows: Sequence[ConnectorItem],
    plan: PlanState,
    now: datetime,
) -> list[ConnectorItem]:
    """Return the items that are still reported; the others are superseded, which ends their wait.

    The log's follower already removes items that wait. But an item waits again when a superior does
    not know it. An item that may have reached the superior (`unknown`) is retried under its id.
    """

    def gone(row: ConnectorItem, plan: PlanState) -> bool:
        code, period = row.indicator_code, row.period
        return row.state == "pending" and not reports(
            connector, plan, indicator_code=code, period=period
        )

    doubted = sorted({row.period for row in rows if gone(row, plan)})
    if doubted:
        # Locked, because a period published meanwhile would find its items waiting, and keep them.
        plan = await _as_held(session, plan, doubted)
    for row in rows:
        if doubted and gone(row, plan):
            row.state, row.settled_at = "superseded", now
    await session.flush()
    return [row for row in rows if row.state != "superseded"]


async def _as_held(session: AsyncSession, plan: PlanState, periods: Sequence[str]) -> PlanState:
    """Return a plan with its document and these periods, locked until the transaction ends."""
    plan = await with_document_in_force(session, plan)
    held = await periods_for_share(session, plan.city_code, plan.code, *periods)
    return replace(plan, periods={**plan.periods, **held})


def _make_payload(
    row: ConnectorItem,
    mapping: CodeMapping,
    plan: PlanState,
    replaces: UUID | None,
    now: datetime,
) -> None:
    figure = figure_of(row)
    unit = unit_of(plan, row.indicator_code)
    missing = missing_codes(mapping, figure, unit)
    if row.withdrawn and replaces is None:
        # The superior holds nothing that could be withdrawn.
        row.state, row.settled_at = "superseded", now
    elif missing:
        row.state, row.missing = "unmapped", missing
    else:
        row.payload = payload_of(
            mapping,
            figure,
            item_id=row.id,
            revision=row.revision,
            unit=unit,
            replaces=replaces,
        )


def figure_of(row: ConnectorItem) -> OutgoingFigure:
    """Return the figure of an item."""
    return OutgoingFigure(
        row.indicator_code,
        row.organization_code,
        row.period,
        row.withdrawn,
        row.value,
        row.level,
        row.not_applicable_reason,
    )
