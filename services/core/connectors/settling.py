"""Writes the outcome of a batch: receipts by item, missing receipts, and the connector's health.

A receipt counts whoever holds the lease by now, because it is the superior's word. A missing
receipt counts only under the batch that the item was claimed with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.connectors import queries
from services.core.connectors.connector_events import of_connector, of_item
from services.core.connectors.dispatch import ClaimedBatch
from services.core.connectors.mapping import CodeMapping, read_mapping
from services.core.connectors.models import Connector, ConnectorBatch, ConnectorItem
from services.core.connectors.outcomes import ItemFate, refusal_of
from services.core.connectors.receipts import ItemReceipt, SuperiorAnswer
from services.core.events.service import NewEvent, record
from services.core.identity.actor import system
from services.core.webhooks.health import DISABLED_AFTER, Health, OutcomeTally, after, told_of

ACTOR = system("connectors")

_DECISIVE = frozenset({"accepted", "refused"})


@dataclass(frozen=True, slots=True)
class ReportedBatch:
    """The outcome of a claimed batch: the answer, the fate of each item, and the requested pause.

    `secret_taken` is whether the superior accepted the present secret; None: that is not known.
    """

    batch: ClaimedBatch
    answer: SuperiorAnswer
    fates: Mapping[UUID, ItemFate]
    pause: float | None
    secret_taken: bool | None = None


@dataclass(frozen=True, slots=True)
class _Desk:
    connector: Connector
    mapping: CodeMapping
    batch_id: UUID
    at: datetime
    now: datetime


async def settle_batch(
    session: AsyncSession,
    reported: ReportedBatch,
    *,
    now: datetime,
    disabled_after: timedelta = DISABLED_AFTER,
) -> None:
    """Write the outcome of a batch; `now` stamps the events. Idempotent."""
    claimed, answer = reported.batch, reported.answer
    # All code locks connectors before items, so that it cannot deadlock.
    connector = await queries.connector_for_update(session, claimed.city_code, claimed.connector_id)
    batch = await queries.batch_for_update(session, claimed.city_code, claimed.id)
    if connector is None or batch is None or batch.outcome is not None:
        return
    at = await queries.database_now(session)
    desk = _Desk(connector, read_mapping(connector.mapping), claimed.id, at, now)
    ids = [one.id for one in claimed.items]
    told: list[NewEvent] = []
    for row in await queries.items_for_update(session, claimed.city_code, connector.id, ids):
        told += _settle_item(desk, row, answer.receipts.get(row.id), reported.fates[row.id])
    _note_batch(batch, claimed, answer)
    told += _learned(desk, claimed, reported.secret_taken)
    told += await _take_note(session, desk, reported, disabled_after)
    await session.flush()
    if told:
        await record(session, *told)


def _note_batch(batch: ConnectorBatch, claimed: ClaimedBatch, answer: SuperiorAnswer) -> None:
    outcome, said = answer.outcome, [one.status for one in answer.receipts.values()]
    batch.outcome, batch.status_code = outcome.kind, outcome.status_code
    batch.duration_ms, batch.response_head = outcome.duration_ms, outcome.said
    batch.accepted, batch.refused = said.count("accepted"), said.count("refused")
    batch.unanswered = len(claimed.items) - batch.accepted - batch.refused
    batch.unasked = answer.unasked


def _settle_item(
    desk: _Desk, row: ConnectorItem, receipt: ItemReceipt | None, fate: ItemFate
) -> list[NewEvent]:
    """Write the fate of an item, and return its events."""
    if receipt is not None and receipt.status in _DECISIVE:
        row.receipts += 1
        if row.state in _DECISIVE:
            return _heard_again(desk, row, receipt)
        if row.state != "superseded":
            return _heard(desk, row, receipt)
        return []
    if row.state == "unknown" and row.batch_id == desk.batch_id:
        row.state, row.tries = fate.state, row.tries + fate.counted
        row.next_attempt_at = desk.at + timedelta(seconds=fate.delay)
        row.settled_at = desk.now if fate.state == "failed" else None
        if fate.state == "pending" and receipt is None:
            # Nothing was taken, perhaps because of a code, so the next attempt maps the codes
            # again.
            row.payload = None
    return []


def _heard(desk: _Desk, row: ConnectorItem, receipt: ItemReceipt) -> list[NewEvent]:
    """Write the first receipt of an item."""
    row.state, row.settled_at = receipt.status, desk.now
    row.receipt, row.their_value = receipt.number, receipt.figure
    if receipt.status == "refused":
        ours, known = refusal_of(desk.mapping.refusals, receipt)
        row.refusal_code, row.their_code, row.their_words = ours, receipt.code, receipt.words
        data = {
            "refusal_code": ours,
            "their_code": receipt.code,
            "their_words": receipt.words,
            "message": None if known is None else known.zh,
            "message_en": None if known is None else known.en,
        }
        return [of_item(desk.connector, row, "connector.refused", ACTOR, data, desk.now)]
    ours_there = (row.payload or {}).get("figure")
    if receipt.figure is None or receipt.figure == ours_there:
        return []
    row.differs = True
    return [_differing(desk, row, "figure", ours_there, receipt.figure)]


def _heard_again(desk: _Desk, row: ConnectorItem, receipt: ItemReceipt) -> list[NewEvent]:
    """Compare a second receipt: an equal one is ignored, another is noted beside the first."""
    if not receipt.contradicts(state=row.state, number=row.receipt):
        return []
    first = row.second_receipt is None
    row.differs = True
    row.second_receipt = {
        "status": receipt.status,
        "receipt": receipt.number,
        "code": receipt.code,
        "message": receipt.words,
    }
    before = row.receipt if row.state == "accepted" else row.state
    said = receipt.number if receipt.status == "accepted" else receipt.status
    return [_differing(desk, row, "receipt", before, said)] if first else []


def _differing(
    desk: _Desk, row: ConnectorItem, what: str, ours: str | None, theirs: str | None
) -> NewEvent:
    data = {"what": what, "ours": ours, "theirs": theirs}
    return of_item(desk.connector, row, "connector.differing", ACTOR, data, desk.now)


def _learned(desk: _Desk, claimed: ClaimedBatch, taken: bool | None) -> list[NewEvent]:
    """Save whether the superior accepts the present secret; its first refusal makes an event.

    A batch that was signed before the present secret was given is ignored, and so are all once the
    former secret's overlap is over.
    """
    connector = desk.connector
    if taken is None or claimed.target is None:
        return []
    if claimed.target.secret_sealed != connector.secret_sealed:
        return []
    if taken:
        connector.secret_refused_since = connector.secret_refused_at = None
        return []
    if connector.former_secret_sealed is None:
        return []
    first = connector.secret_refused_since is None
    connector.secret_refused_since = connector.secret_refused_since or desk.at
    connector.secret_refused_at = desk.at
    data = {
        "refused_since": desk.at,
        "former_secret_expires_at": connector.former_secret_expires_at,
    }
    told = of_connector(connector, "connector.secret_refused", ACTOR, data, desk.now)
    return [told] if first else []


async def _take_note(
    session: AsyncSession, desk: _Desk, reported: ReportedBatch, disabled_after: timedelta
) -> list[NewEvent]:
    """Write a connector's health after a batch, and return its events."""
    connector = desk.connector
    before = Health(**{one.name: getattr(connector, one.name) for one in fields(Health)})
    tally = OutcomeTally().with_(reported.answer.outcome, reported.pause)
    health = after(before, tally, now=desk.at, disabled_after=disabled_after)
    for one in fields(Health):
        setattr(connector, one.name, getattr(health, one.name))
    if connector.lease_token == desk.batch_id:
        connector.lease_token = connector.lease_until = None
    resting = desk.at + timedelta(seconds=connector.pause_seconds)
    connector.paused_until = max(resting, health.paused_until or resting)
    found = told_of(health)
    if health.state == "disabled" and before.state != "disabled":
        data = {"reason": health.state_reason, **found}
        connector.version += 1
        await note_of(
            session,
            "connector",
            connector,
            "connector.disabled",
            actor=ACTOR,
            data=data,
            at=desk.now,
        )
        return [of_connector(connector, "connector.disabled", ACTOR, data, desk.now)]
    if health.warned > before.warned:
        return [of_connector(connector, "connector.failing", ACTOR, found, desk.now)]
    return []
