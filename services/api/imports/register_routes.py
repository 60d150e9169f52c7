"""Routes of spreadsheets of register rows: download a form, upload rows."""

from dataclasses import replace
from typing import Annotated, Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Query, Request, Response
from pydantic_core import to_json

from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.file_answers import XLSX, file_answer, file_response
from services.api.imports.template_routes import UNIT_MISSING
from services.api.problems import language_of
from services.api.registers.parameters import RegisterInPlan, Writer
from services.api.registers.schemas import RegisterReportOut, report_of_rows
from services.api.request_context import context_of
from services.api.routing import heavy, versioned_router
from services.core.imports.register_form import register_form
from services.core.imports.register_sheet import rows_of_sheet
from services.core.imports.register_stamps import stamped_for
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.registers.queries import kept_by
from services.core.registers.rules import MOST_ROWS, RowDraft, keeper_faults, keeps
from services.core.registers.service import RegisterDesk, write_rows
from services.core.sheets.errors import SheetRefused
from services.core.sheets.sheet_file import SheetFile
from services.core.submissions.errors import NotYourOrganization

router = versioned_router("registers")

# One at a time, so that many files take no more CPU and memory than one.
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
    resources: ResourcesDep,
    organization_code: Annotated[
        str | None,
        Query(max_length=60, description="Of rows that name no unit; default: the caller's own"),
    ] = None,
    sheet: Annotated[
        str | None, Query(max_length=60, description="Which sheet is read, where several are seen")
    ] = None,
) -> list[RowDraft]:
    """Return the rows of the file, parsed before a session is opened, so that none waits.

    Raises:
        SheetRefused: it is not a supported sheet, or a form of another unit or register, or its
            headings are not the register's.
        SecretKeyNotSet: it is a form, and this deployment has no key to verify its signature.
    """
    content = await Request.body(request)
    named = organization_code

    def read() -> list[RowDraft]:
        file = SheetFile(content)
        stamp = stamped_for(file, register, plan=plan, actor=actor, unit=named, seal=resources.seal)
        unit = named or actor.organization_code if stamp is None else stamp.organization_code
        return rows_of_sheet(file, register, plan, unit=unit, sheet=sheet)

    try:
        return await run_sync(read, limiter=_one_at_a_time)
    except (SheetRefused, InvalidInput) as error:
        raise type(error)(faults=[*error.faults, *context_of(request).unread]) from None


_TOO_MANY = Text(
    "该单位在此台账中超过 {most} 行，请改用 rows.xlsx 导出，分批上传",
    "The unit keeps more than {most} rows: take rows.xlsx, and send several files",
)


@router.get(
    "/plans/{plan}/registers/{register}/form.xlsx",
    response_class=Response,
    responses={**file_answer(XLSX, "RegisterForm"), **refusals(403, 404)},
)
@heavy
async def get_register_form(
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    session: Reading,
    resources: ResourcesDep,
    organization_code: Annotated[
        str | None,
        Query(
            max_length=60,
            description="The unit that fills it in; default: the caller's own",
            examples=["UN22"],
        ),
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a register as a sheet for a unit: the rows it keeps, and room for more.

    Yellow cells are to be filled in; those of the key are locked, choices are offered. Sent to
    `rows/sheet` it changes what was changed in it and nothing else, however old it is. It says for
    whom it was made, and is taken for no other unit.
    """
    unit = organization_code or actor.organization_code
    if unit is None:
        raise InvalidInput(faults=[UNIT_MISSING])
    if faults := keeper_faults(register, unit, plan):
        raise InvalidInput(faults=[replace(one, pointer=f"/query{one.pointer}") for one in faults])
    if not keeps(actor, register, unit):
        raise NotYourOrganization
    rows = await kept_by(
        session,
        actor,
        plan_code=plan.code,
        register_code=register.code,
        organization_code=unit,
        limit=MOST_ROWS + 1,
    )
    if len(rows) > MOST_ROWS:
        told = _TOO_MANY.format(most=MOST_ROWS)
        raise InvalidInput(faults=[Fault("/query/organization_code", "too-many-rows", told)])
    said = [one.cells for one in rows]
    name, content = await run_sync(
        register_form, register, plan, unit, said, resources.seal, limiter=_one_at_a_time
    )
    return file_response(content, name, XLSX, if_none_match)


@router.post(
    "/plans/{plan}/registers/{register}/rows/sheet",
    responses={**answering("RegisterSheetReport"), **refusals(403, 404)},
    openapi_extra=_SENT,
    response_model=RegisterReportOut,
)
@heavy
async def import_register_sheet(
    request: Request,
    actor: Writer,
    plan: PlanInScope,
    register: RegisterInPlan,
    rows: Annotated[list[RowDraft], Depends(_rows)],
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Write the rows of a sheet by their keys; the answer says what became of each, by its number.

    Headings are the names or codes of the register's columns, and 填报单位 for the unit of a row.
    Choices and units are taken by name or code, days as people write them, yes and no as 是 and 否.
    A heading that the register has not is refused. Rows are written as those of a batch are.
    """
    desk = RegisterDesk(plan, register, actor, resources.clock.now())
    written = await write_rows(session, rows, desk)
    report = report_of_rows(written, language_of(request))
    return Response(to_json(report), media_type="application/json")
