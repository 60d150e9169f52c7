"""Routes of reported items, requests, a superior's statements, and a period's reconciliation."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Response

from services.api.answers import body_etag, created
from services.api.connectors.item_schemas import (
    ConnectorUseOut,
    ItemsAgainIn,
    ItemsAgainOut,
    ReconciliationOut,
    ReportBatchListOut,
    ReportedItemListOut,
    StatementIn,
    StatementOut,
    again_out,
    batch_out,
    counts_out,
    item_out,
    reconciled_out,
    statement_out,
    use_of_connector_out,
)
from services.api.connectors.routes import (
    ConnectorId,
    ConnectorTurn,
    Seen,
    seen_connector,
    taken_connector,
)
from services.api.context import IfMatch, PageSize, PageToken, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.paging import after_id, cut, of_list
from services.api.plan_parameters import PeriodFilter, PeriodQuery, period_of_board
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.connectors import lifecycle, queries
from services.core.connectors.figures.queries import held_of_period
from services.core.connectors.lifecycle import StatedLine
from services.core.connectors.mapping import read_mapping
from services.core.connectors.models import Connector
from services.core.connectors.reconciling import Reconciliation, reconcile
from services.core.connectors.rules import ItemState
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.pagination import read_page_token, read_text
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period

router = versioned_router("connectors")

Reporter = Annotated[Actor, Depends(permitted(Permission.REVIEW_REPORTS))]
_A_MONTH = timedelta(days=30)


async def _reported(connector_id: ConnectorId, actor: Reporter, session: Reading) -> Connector:
    return await seen_connector(connector_id, actor, session)


async def _taken(
    connector_id: ConnectorId, actor: Reporter, session: Writing, resources: ResourcesDep
) -> ConnectorTurn:
    return await taken_connector(connector_id, actor, session, resources)


Reported = Annotated[Connector, Depends(_reported)]
Taken = Annotated[ConnectorTurn, Depends(_taken)]


@router.get(
    "/connectors/{connector_id}/items",
    responses={**answering("ReportedItems"), **refusals(403, 404)},
)
async def list_connector_items(
    connector: Reported,
    actor: Reporter,
    session: Reading,
    state: Annotated[ItemState | None, Query(description="Only those in this state")] = None,
    period: PeriodFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ReportedItemListOut:
    """List what is reported to a superior, revision by revision, and what was answered.

    `unmapped` items wait for a code; a mapping that has it sends them.
    """
    named = of_list(actor, "connector-items", of=[connector.id, state, period])
    found = await queries.items(
        session,
        connector,
        state=state,
        period=period,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return ReportedItemListOut(
        items=[item_out(one, connector) for one in page], next_page_token=following
    )


@router.post(
    "/connectors/{connector_id}/items/retry",
    responses={**answering("ItemsAgainDone"), **refusals(403, 404, 412)},
    openapi_extra=asking("ItemsAgain"),
)
async def retry_connector_items(
    body: ItemsAgainIn, turn: Taken, if_match: IfMatch = None
) -> ItemsAgainOut:
    """Send refused and failed items again, each by itself, with a reason that the audit keeps.

    One that was refused goes under a new id and by the present mapping, for the receiver knows its
    answer to the old one. One that was never answered keeps its id.
    """
    await turn.check(if_match)
    done = await lifecycle.send_again(
        turn.session,
        turn.item,
        list(dict.fromkeys(body.item_ids)),
        reason=body.reason,
        plan=turn.plan,
        actor=turn.actor,
        now=turn.resources.clock.now(),
    )
    return ItemsAgainOut(results=[again_out(one) for one in done])


@router.get(
    "/connectors/{connector_id}/batches",
    responses={**answering("ReportBatches"), **refusals(403, 404)},
)
async def list_connector_batches(
    connector: Reported,
    actor: Reporter,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ReportBatchListOut:
    """List the requests to a superior, the newest first. They are kept for 90 days."""
    named = of_list(actor, "connector-batches", of=[connector.id])
    after = after_id(page_token, named)
    found = await queries.batches(session, connector, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return ReportBatchListOut(items=[batch_out(one) for one in page], next_page_token=following)


@router.get(
    "/connectors/{connector_id}/statistics",
    responses={**answering("ConnectorUse"), **refusals(403, 404)},
)
async def get_connector_statistics(
    connector: Seen, session: Reading, resources: ResourcesDep
) -> ConnectorUseOut:
    """Return how a connector did over the last 30 days, and how many items are in each state."""
    first = (resources.clock.true_now() - _A_MONTH).date()
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    use = await queries.batch_use(session, connector, since=since)
    return use_of_connector_out(first, use, await queries.counts_of(session, connector))


@router.post(
    "/connectors/{connector_id}/statements",
    status_code=201,
    responses={
        **answering("StatementTaken", ETAG, LOCATION, status=201),
        **refusals(403, 404, 412),
    },
    openapi_extra=asking("Statement"),
    response_model=StatementOut,
)
async def upload_connector_statement(
    body: StatementIn, turn: Taken, if_match: IfMatch = None
) -> Response:
    """Upload what a superior says that it holds of a period; the newest counts.

    The reconciliation compares it line by line, exactly. Codes are theirs, by the mapping: every
    line that no code of ours stands for is told at once, and then nothing is kept.
    """
    await turn.check(if_match)
    period = parsed_period(turn.plan, body.period, "/period").code
    statement = await lifecycle.take_statement(
        turn.session,
        turn.item,
        [StatedLine(one.indicator, one.organization, one.value) for one in body.lines],
        period=period,
        reference=body.reference,
        plan=turn.plan,
        actor=turn.actor,
        now=turn.resources.clock.now(),
    )
    told = statement_out(statement).model_dump_json().encode()
    where = f"/v1/connectors/{turn.item.id}/reconciliation?period={period}"
    return created(told, etag=body_etag(told), location=where)


@router.get(
    "/connectors/{connector_id}/reconciliation",
    responses={**answering("Reconciliation"), **refusals(403, 404)},
)
async def get_connector_reconciliation(
    connector: Reported,
    actor: Reporter,
    session: Reading,
    resources: ResourcesDep,
    period: PeriodQuery = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ReconciliationOut:
    """Compare a period: what counts here, what was sent, accepted, refused, and what differs.

    Every indicator and unit of the connector has one standing, and the counts add up to the rows.
    `differing` comes before the rest: their figure is another, two receipts disagree, or they
    accepted what their statement lacks. `not-queued` is what counts and is not on its way.
    """
    plan = await resources.plans.of_city(connector.city_code, connector.plan_code, session)
    code = period_of_board(plan, period).code
    named = of_list(actor, "reconciliation", of=[connector.id, code])
    after = None
    if page_token is not None:
        after = read_page_token(page_token, named, read_text, read_text)
    statement = await queries.newest_statement(session, connector, code)
    lines = None if statement is None else await queries.lines_of(session, statement)
    stated = (
        None
        if lines is None
        else {(one.indicator_code, one.organization_code): one.figure for one in lines}
    )
    found = await _compared(session, connector, plan, code, stated)
    rows = [
        one
        for one in found.rows
        if after is None or (one.indicator_code, one.organization_code) > after
    ]
    page, following = cut(
        rows, page_size, named, lambda one: [one.indicator_code, one.organization_code]
    )
    return ReconciliationOut(
        plan=plan.code,
        period=code,
        statement=None if statement is None else statement_out(statement),
        rows=len(found.rows),
        held=found.held,
        sent=found.sent,
        counts=counts_out(found),
        items=[reconciled_out(one) for one in page],
        next_page_token=following,
    )


async def _compared(
    session: Reading,
    connector: Connector,
    plan: PlanState,
    period: str,
    stated: dict[tuple[str, str], str] | None,
) -> Reconciliation:
    items = await queries.standing_items(session, connector, period)
    wanted = {*(connector.indicator_codes or plan.indicators)} & plan.indicators.keys()
    # Places reported earlier are still compared, even if their indicator is no longer reported.
    reported = {(one.indicator_code, one.organization_code) for one in items}
    among = wanted | {code for code, _ in reported}
    held = await held_of_period(session, plan, period, among)
    counts = {place[:2]: one for place, one in held.items()}
    return reconcile(
        plan,
        read_mapping(connector.mapping),
        held={at: one for at, one in counts.items() if at[0] in wanted or at in reported},
        items=items,
        stated=stated,
    )
