"""Routes of registers: their definitions, their rows, and handing in rows."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic_core import to_json

from services.api.actors import name_actors
from services.api.answers import body_etag, created, json_answer
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ReadSession,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.filters import ChangedAfter, OrganizationFilter, check_codes
from services.api.paging import after_id, cut, history_page, of_list
from services.api.problems import language_of
from services.api.registers.parameters import (
    Reader,
    RegisterInPlan,
    RegisterToRead,
    Seen,
    Writer,
)
from services.api.registers.register_schemas import RegisterListOut, register_fields
from services.api.registers.schemas import (
    CheckedRow,
    RegisterReportOut,
    RegisterRowBatchIn,
    RegisterRowHistoryOut,
    RegisterRowListOut,
    RegisterRowOut,
    draft_of_row,
    image_seen,
    is_listed,
    report_of_rows,
    row_body,
    row_etag,
    row_fields,
)
from services.api.routing import heavy, versioned_router
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.nearest import with_nearest
from services.core.kit.pagination import BadPageToken
from services.core.kit.text import Text
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_whole_plan
from services.core.plan.written import Day
from services.core.registers import queries
from services.core.registers.queries import RowFilters
from services.core.registers.rules import RowState
from services.core.registers.service import RegisterDesk, add_row, write_rows

router = versioned_router("registers")


@router.get(
    "/plans/{plan}/registers",
    responses={**answering("Registers", ETAG), **refusals(403, 404)},
    response_model=RegisterListOut,
)
async def list_registers(
    _actor: Reader, plan: PlanInScope, if_none_match: IfNoneMatch = None
) -> Response:
    """List the registers that the plan describes, with their columns."""
    body = to_json({"items": [register_fields(one) for one in plan.document.registers]})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/registers/{register}/rows",
    responses={**answering("RegisterRows"), **refusals(403, 404, 410)},
)
async def list_register_rows(
    actor: Reader,
    plan: PlanInScope,
    register: RegisterToRead,
    session: Reading,
    organization_code: OrganizationFilter = None,
    state: Annotated[RowState | None, Query(description="In this state only")] = None,
    column: Annotated[
        str | None, Query(max_length=60, description="With `value`: where this column says that")
    ] = None,
    value: Annotated[
        str | None, Query(max_length=200, description="What stands in `column`, exactly, as text")
    ] = None,
    valid_on: Annotated[Day | None, Query(description="Those that count on this day")] = None,
    changed_after: ChangedAfter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> RegisterRowListOut:
    """List the rows of a register that the caller may see, newest first.

    A unit sees its own, a lead of the register all of them, the superior what was confirmed. What
    was withdrawn is listed where `state` asks for it. With `changed_after` it lists what changed
    since that position of the city's log, and as `tombstones` what left the list; go on from
    `position` while `has_more`. `valid_on` is not taken then.
    """
    filters = RowFilters(organization_code, state, column, value, valid_on)
    _check_filters(filters, register, since=changed_after)
    named = of_list(
        actor, "register-rows", plan=plan.code, register=register.code, **filters.named()
    )
    if changed_after is not None:
        if page_token is not None:
            raise BadPageToken
        place = (plan, register)
        return await _changes(session, actor, place, filters, changed_after, page_size)
    found = await queries.page(
        session,
        actor,
        plan_code=plan.code,
        register_code=register.code,
        filters=filters,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    check_codes(found, plan, organization_code=organization_code)
    page, following = cut(found, page_size, named, lambda one: [one.id])
    return RegisterRowListOut.model_validate(
        {
            "items": [row_fields(vars(one), plan, actor) for one in page],
            "next_page_token": following,
            "tombstones": [],
            "position": None,
            "has_more": following is not None,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


def _check_filters(filters: RowFilters, register: Register, *, since: int | None) -> None:
    faults = []
    if filters.column is not None and register.column(filters.column) is None:
        known = [one.code for one in register.columns]
        told = with_nearest(_NO_COLUMN, filters.column, known)
        faults.append(Fault("/query/column", "unknown-column", told, filters.column))
    if (filters.column is None) != (filters.value is None):
        missing = "column" if filters.column is None else "value"
        faults.append(Fault(f"/query/{missing}", "missing", _BOTH))
    if filters.valid_on is not None and since is not None:
        day: date = filters.valid_on
        faults.append(Fault("/query/valid_on", "not-of-changes", _NO_DAY, day.isoformat()))
    if faults:
        raise InvalidInput(faults=faults)


_NO_COLUMN = Text("台账中没有此列", "The register has no such column")
_BOTH = Text("column 与 value 须同时给出", "`column` and `value` are given together")
_NO_DAY = Text(
    "增量（changed_after）不能按日期筛选：请去掉该参数",
    "Changes are not narrowed to a day: leave it out",
)


async def _changes(
    session: ReadSession,
    actor: Actor,
    place: tuple[PlanState, Register],
    filters: RowFilters,
    position: int,
    limit: int,
) -> RegisterRowListOut:
    plan, register = place
    changes = await queries.changed_after(
        session,
        actor,
        plan_code=plan.code,
        register_code=register.code,
        filters=filters,
        position=position,
        limit=limit,
    )
    check_codes(changes.found, plan, organization_code=filters.organization_code)
    told = [(at, vars(row)) for at, row in changes.found]
    named = filters.named()
    return RegisterRowListOut.model_validate(
        {
            "items": [
                row_fields(row, plan, actor) for _, row in told if is_listed(row, named, actor)
            ],
            "next_page_token": None,
            "tombstones": [
                {"id": row["id"], "position": at}
                for at, row in told
                if not is_listed(row, named, actor)
            ],
            "position": changes.position,
            "has_more": changes.more,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


@router.post(
    "/plans/{plan}/registers/{register}/rows",
    status_code=201,
    responses={
        **answering("RegisterRowWritten", ETAG, LOCATION, status=201, model=RegisterRowOut),
        **refusals(403, 404, 409),
    },
    openapi_extra=asking("RegisterRowAsked"),
    response_model=None,
)
async def create_register_row(
    body: CheckedRow,
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Write a row. A second one with the same key is 409, unless the first was ended.

    It counts once a lead of the register or the office confirms it, which nobody does of what they
    or their unit wrote; in a register without review it counts at once.
    """
    desk = RegisterDesk(plan, register, actor, resources.clock.now())
    row = await add_row(session, draft_of_row(body), desk)
    location = f"/v1/register-rows/{row['id']}"
    return created(row_body(row, plan, actor), etag=row_etag(row), location=location)


@router.post(
    "/plans/{plan}/registers/{register}/rows/batch",
    responses={**answering("RegisterReport"), **refusals(403, 404)},
    openapi_extra=asking("RegisterRowBatch"),
    response_model=RegisterReportOut,
)
@heavy
async def write_register_rows(
    body: RegisterRowBatchIn,
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Write up to 5,000 rows by their keys; the answer says what became of each.

    A row whose key stands is changed, where its unit is the same: a column that is not named stays
    as it is. Every fault of every row is told, and those without faults are written. Sent again,
    all of it is `unchanged` and writes nothing.
    """
    drafts = [draft_of_row(item, index) for index, item in enumerate(body.items)]
    written = await write_rows(
        session, drafts, RegisterDesk(plan, register, actor, resources.clock.now())
    )
    report = report_of_rows(written, language_of(request))
    return Response(to_json(report), media_type="application/json")


@router.get(
    "/register-rows/{row_id}",
    responses={**answering("RegisterRow", ETAG), **refusals(403, 404)},
    response_model=RegisterRowOut,
)
async def get_register_row(
    row: Seen,
    actor: Reader,
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one row of a register."""
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    found = vars(row)
    return json_answer(
        row_body(found, plan, actor), etag=row_etag(found), if_none_match=if_none_match
    )


@router.get(
    "/register-rows/{row_id}/history",
    responses={**answering("RegisterRowHistory"), **refusals(403, 404)},
)
async def get_register_row_history(
    row: Seen,
    actor: Reader,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> RegisterRowHistoryOut:
    """Return every change of a row: before and after, who, when and why.

    The superior sees it as it was confirmed, and how it ended.
    """
    named = of_list(actor, "register-row-history", of=row.id)
    history = partial(queries.history, session, actor, row.city_code, row.id)
    listed = await history_page(history, page_token, named, page_size)
    for change in listed["items"]:
        change |= {name: image_seen(change[name], actor) for name in ("before", "after")}
    await name_actors(session, row.city_code, listed["items"])
    return RegisterRowHistoryOut.model_validate(listed)
