"""Pydantic schemas of reported items, requests, statements and reconciliations."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.gateways.schemas import fault_rate
from services.core.connectors.lifecycle import SentAgain
from services.core.connectors.mapping import read_mapping
from services.core.connectors.models import (
    Connector,
    ConnectorBatch,
    ConnectorItem,
    ConnectorStatement,
)
from services.core.connectors.reconciling import STANDINGS, ReconciledRow, Reconciliation
from services.core.connectors.rules import ITEM_STATES
from services.core.connectors.use import BatchUse
from services.core.kit.decimals import plain
from services.core.kit.said import CodeIn, Said, Title, Words

MOST_RETRIED = 1000
MOST_LINES = 5000

_BATCH_KINDS = ("report", "query")
_STATES = (
    "`unmapped`: a code is missing; `pending`: it waits; `unknown`: they may have it and have not"
    " said so; `failed`: they never answered; `superseded`: another took its place"
)


class ItemsAgainIn(Said):
    """Items that are to be sent again, and why."""

    item_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_RETRIED)] = Field(
        description="Ids of items that were refused or failed"
    )
    reason: Words = Field(description="In a sentence or two")


class ItemAgainOut(BaseModel):
    """What became of an item that was to be sent again."""

    asked_id: UUID = Field(description="The id that was given")
    item_id: UUID | None = Field(
        description="The id under which it is sent: a new one where it was refused, its own where"
        " it was never answered; null: it is not sent"
    )
    state: Annotated[str, one_of(ITEM_STATES)] | None = Field(
        description="The state of that one; null: there is no such item"
    )
    code: str | None = Field(
        description="Why it is not sent: `connector-item-not-found`, `transition-refused`,"
        " `superseded` where another revision followed it, or `not-reported` where the connector"
        " reports no such figure now (the period is not published, the plan has no such indicator);"
        " null: it is"
    )


class ItemsAgainOut(BaseModel):
    """What became of items that were to be sent again, in the order in which they were given."""

    results: list[ItemAgainOut] = Field(description="One for each")


class ReportedItemOut(BaseModel):
    """One revision of a figure that is reported, and what was answered."""

    id: UUID = Field(description="Its id, which is sent with it and stays over repeats")
    submission_id: UUID = Field(description="Id of the submission")
    revision: int = Field(description="Its revision")
    indicator_code: str = Field(description="Code of the indicator")
    organization_code: str = Field(description="Code of the unit")
    period: str = Field(description="Code of the period")
    withdrawn: bool = Field(description="Whether it takes back what was reported before")
    value: Digits | None = Field(description="The value, in our unit of measure")
    level: str | None = Field(description="The level")
    not_applicable: bool = Field(description="Whether the figure does not apply")
    state: Annotated[str, one_of(ITEM_STATES)] = Field(description=_STATES)
    missing: list[str] = Field(description="What has no code of theirs, such as `units:%`")
    sent: dict[str, Any] | None = Field(
        description="What is sent of it, in their codes; null: nothing was yet"
    )
    attempts: int = Field(description="How often it was sent")
    next_attempt_at: datetime | None = Field(
        description="When it is sent or asked about next; null: it is not"
    )
    receipt: str | None = Field(description="Their number of the receipt")
    refusal_code: str | None = Field(description="Our code of their refusal")
    refusal_zh: str | None = Field(description="What the mapping says of it in Chinese")
    refusal_en: str | None = Field(description="What it says in English")
    their_code: str | None = Field(description="Their code of the refusal")
    their_words: str | None = Field(description="Their words")
    receipts: int = Field(description="How many receipts came of it; one is enough")
    differs: bool = Field(description="Whether they said two things, or hold another figure")
    second_receipt: dict[str, Any] | None = Field(
        description="A receipt that contradicts the first"
    )
    their_figure: str | None = Field(description="The figure that they hold, where they told it")
    created_at: datetime = Field(description="When it was queued")
    settled_at: datetime | None = Field(description="When it came to its end")


class ReportedItemListOut(BaseModel):
    """A page of items."""

    items: list[ReportedItemOut] = Field(description="At most `page_size`, the newest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ReportBatchOut(BaseModel):
    """One request to a superior."""

    id: UUID = Field(description="Its id, which is sent as `batch_id`")
    kind: Annotated[str, one_of(_BATCH_KINDS)] = Field(
        description="`report` carries items, `query` asks what became of some"
    )
    items: int = Field(description="How many items")
    started_at: datetime = Field(description="When")
    outcome: str | None = Field(
        description="How it ended, as attempts of webhooks do; null: it is under way, or its worker"
        " was lost"
    )
    status_code: int | None = Field(description="HTTP status of the answer; null: there was none")
    duration_ms: int | None = Field(description="Milliseconds to the end of the answer")
    accepted: int = Field(description="Receipts that accept")
    refused: int = Field(description="Receipts that refuse")
    unanswered: int = Field(description="Items without a receipt")
    unasked: int = Field(description="Receipts of items that were not in the request")
    response_head: str | None = Field(description="The beginning of the answer")


class ReportBatchListOut(BaseModel):
    """A page of requests."""

    items: list[ReportBatchOut] = Field(description="At most `page_size`, the newest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ItemCountOut(BaseModel):
    """How many items are in one state."""

    state: Annotated[str, one_of(ITEM_STATES)] = Field(description=_STATES)
    number: int = Field(description="How many; 10,000 stands for more, too")


class ConnectorUseOut(BaseModel):
    """How a connector did over some days."""

    first_day: date = Field(description="The first day, of UTC")
    batches: int = Field(description="How many requests were made")
    faults: int = Field(description="How many of those got no good answer")
    fault_rate: str | None = Field(description="As a part of 1, to four places")
    reported: int = Field(description="Items that were sent, repeats too")
    accepted: int = Field(description="Receipts that accept")
    refused: int = Field(description="Receipts that refuse")
    unanswered: int = Field(description="Items without a receipt")
    unasked: int = Field(description="Receipts of items that were not in the request")
    p95_ms: int | None = Field(description="Milliseconds that 95 of 100 requests stayed within")
    last_success_at: datetime | None = Field(description="When a request last came through")
    items: list[ItemCountOut] = Field(description="Items by state, now")
    next_page_token: str | None = Field(description="Always null: there are few states")


class StatementLineIn(Said):
    """A figure that a superior says it holds."""

    indicator: CodeIn = Field(description="Their code of the indicator")
    organization: CodeIn = Field(description="Their code of the unit")
    value: CodeIn = Field(
        description="The figure in their measure, as text: a number, a level or `not-applicable`"
    )


class StatementIn(Said):
    """What a superior says that it holds of a period."""

    period: CodeIn = Field(description="Our code of the period")
    reference: Title = Field(description="Which paper or message of theirs it is")
    lines: Annotated[list[StatementLineIn], Field(max_length=MOST_LINES)] = Field(
        description="Every figure that they hold; what is not there they do not hold"
    )


class StatementOut(BaseModel):
    """A statement of a superior's."""

    id: UUID = Field(description="Its id")
    period: str = Field(description="Our code of the period")
    reference: str = Field(description="Which paper or message of theirs it is")
    lines: int = Field(description="How many figures it has")
    uploaded_at: datetime = Field(description="When it was uploaded")


class StandingCountOut(BaseModel):
    """How many rows stand how."""

    standing: Annotated[str, one_of(STANDINGS)] = Field(description="How they stand")
    number: int = Field(description="How many")


class ReconciledOut(BaseModel):
    """An indicator and a unit in a period: what we hold, what was sent, what they say."""

    indicator_code: str = Field(description="Code of the indicator")
    organization_code: str = Field(description="Code of the unit")
    standing: Annotated[str, one_of(STANDINGS)] = Field(description="How it stands")
    held: bool = Field(description="Whether a figure counts here")
    sent: bool = Field(description="Whether anything of it was sent")
    ours: str | None = Field(
        description="Our figure in their measure; null: none counts, or it is not mapped"
    )
    theirs: str | None = Field(description="Their figure; null: they told none, or hold none")
    item_id: UUID | None = Field(description="Id of the item that stands")
    receipt: str | None = Field(description="Their number of the receipt")
    refusal_code: str | None = Field(description="Our code of their refusal")
    their_code: str | None = Field(description="Their code of the refusal")
    their_words: str | None = Field(description="Their words")


class ReconciliationOut(BaseModel):
    """A period compared; the counts of all standings add up to `rows`."""

    plan: str = Field(description="Code of the plan")
    period: str = Field(description="Code of the period")
    statement: StatementOut | None = Field(
        description="The newest statement of the superior's, which `theirs` comes from; null: there"
        " is none, and it comes from receipts that tell a figure"
    )
    rows: int = Field(description="How many rows there are in all")
    held: int = Field(description="Of how many a figure counts here")
    sent: int = Field(description="Of how many something was sent")
    counts: list[StandingCountOut] = Field(description="How many rows stand how, all of them")
    items: list[ReconciledOut] = Field(
        description="At most `page_size`, by the codes of indicator and unit"
    )
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def item_out(item: ConnectorItem, connector: Connector) -> ReportedItemOut:
    """Return the members of an item that may be shown."""
    known = read_mapping(connector.mapping).refusals.get(item.their_code or "")
    waits = item.state in {"pending", "unknown"}
    payload = item.payload
    return ReportedItemOut(
        id=item.id,
        submission_id=item.submission_id,
        revision=item.revision,
        indicator_code=item.indicator_code,
        organization_code=item.organization_code,
        period=item.period,
        withdrawn=item.withdrawn,
        value=None if item.value is None else plain(item.value),
        level=item.level,
        not_applicable=item.not_applicable_reason is not None,
        state=item.state,
        missing=item.missing,
        sent=None if payload is None else {n: v for n, v in payload.items() if n != "figure"},
        attempts=item.attempts,
        next_attempt_at=item.next_attempt_at if waits else None,
        receipt=item.receipt,
        refusal_code=item.refusal_code,
        refusal_zh=None if known is None else known.zh,
        refusal_en=None if known is None else known.en,
        their_code=item.their_code,
        their_words=item.their_words,
        receipts=item.receipts,
        differs=item.differs,
        second_receipt=item.second_receipt,
        their_figure=item.their_value,
        created_at=item.created_at,
        settled_at=item.settled_at,
    )


def batch_out(batch: ConnectorBatch) -> ReportBatchOut:
    """Return the members of a request that may be shown."""
    names = ReportBatchOut.model_fields
    return ReportBatchOut(**{name: getattr(batch, name) for name in names})


def again_out(done: SentAgain) -> ItemAgainOut:
    """Return the outcome of resending an item."""
    return ItemAgainOut(
        asked_id=done.asked_id, item_id=done.item_id, state=done.state, code=done.code
    )


def use_of_connector_out(
    first_day: date, use: BatchUse, counts: Mapping[str, int]
) -> ConnectorUseOut:
    """Return a connector's statistics."""
    return ConnectorUseOut(
        first_day=first_day,
        batches=use.batches,
        faults=use.faults,
        fault_rate=fault_rate(use.batches, use.faults),
        reported=use.reported,
        accepted=use.accepted,
        refused=use.refused,
        unanswered=use.unanswered,
        unasked=use.unasked,
        p95_ms=use.p95_ms,
        last_success_at=use.last_success_at,
        items=[ItemCountOut(state=state, number=counts.get(state, 0)) for state in ITEM_STATES],
        next_page_token=None,
    )


def statement_out(statement: ConnectorStatement) -> StatementOut:
    """Return a statement, without its lines."""
    return StatementOut(
        id=statement.id,
        period=statement.period,
        reference=statement.reference,
        lines=statement.lines,
        uploaded_at=statement.uploaded_at,
    )


def reconciled_out(row: ReconciledRow) -> ReconciledOut:
    """Return a row of a reconciliation."""
    item = row.item
    return ReconciledOut(
        indicator_code=row.indicator_code,
        organization_code=row.organization_code,
        standing=row.standing,
        held=row.held,
        sent=row.sent,
        ours=row.ours,
        theirs=row.theirs,
        item_id=None if item is None else item.id,
        receipt=None if item is None else item.receipt,
        refusal_code=None if item is None else item.refusal_code,
        their_code=None if item is None else item.their_code,
        their_words=None if item is None else item.their_words,
    )


def counts_out(found: Reconciliation) -> list[StandingCountOut]:
    """Return the number of rows by state."""
    return [StandingCountOut(standing=one, number=number) for one, number in found.counts.items()]
