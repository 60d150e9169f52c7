"""The path of a sheet whose rows are those of a register."""

from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.context import Held, PlanInScope, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.problems import language_of
from services.api.registers.routes import RegisterInPlan, Writer
from services.api.registers.schemas import RegisterReportOut, report_of_rows
from services.api.routing import versioned_router
from services.core.imports.register_sheet import rows_of_sheet
from services.core.kit.errors import InvalidInput
from services.core.registers.rules import RowDraft
from services.core.registers.service import RegisterDesk, write_rows
from services.core.sheets.errors import SheetRefused

router = versioned_router("registers")

# Many files at once take no more of the processor, and of memory, than one.
_one_at_a_time = CapacityLimiter(1)

_SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "An XLSX workbook or CSV text, whatever it is called; at most 5,000 rows",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "examples": {"RegisterSheet": {}},
            },
        },
    }
}


async def _rows(
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    organization_code: Annotated[
        str | None,
        Query(max_length=60, description="Of rows that name no unit; default: the caller's own"),
    ] = None,
    sheet: Annotated[
        str | None, Query(max_length=60, description="Which sheet is read, where several are seen")
    ] = None,
) -> list[RowDraft]:
    """Return the rows of the file; asked for before the session, which would wait for it.

    Raises:
        SheetRefused: it is no sheet that is taken, or its headings are not the register's.
    """
    content = await Request.body(request)
    unit = organization_code or actor.organization_code

    def read() -> list[RowDraft]:
        return rows_of_sheet(content, register, plan, unit=unit, sheet=sheet)

    try:
        return await run_sync(read, limiter=_one_at_a_time)
    except (SheetRefused, InvalidInput) as error:
        raise type(error)(faults=[*error.faults, *request.scope.get("unread", [])]) from None


@router.post(
    "/plans/{plan}/registers/{register}/rows/sheet",
    responses={**answering("RegisterSheetReport"), **refusals(403, 404)},
    openapi_extra=_SENT,
    response_model=RegisterReportOut,
)
async def import_register_sheet(
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    rows: Annotated[list[RowDraft], Depends(_rows)],
    session: Writing,
    held: Held,
) -> Response:
    """Write the rows of a sheet by their keys; the answer says what became of each, by its number.

    Headings are the names or codes of the register's columns, and 填报单位 for the unit of a row.
    Choices and units are taken by name or code, days as people write them, yes and no as 是 and 否.
    A heading that the register has not is refused. Rows are written as those of a batch are.
    """
    desk = RegisterDesk(plan, register, actor, held.clock.now())
    written = await write_rows(session, rows, desk)
    report = report_of_rows(written, language_of(request))
    return Response(to_json(report), media_type="application/json")
