"""Routes of uploaded files: sent, checked by the worker, then confirmed or discarded."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Path, Query, Request, Response
from typing_extensions import override

from services.api.answers import body_etag, json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering
from services.api.file_answers import XLSX, file_answer, file_response
from services.api.imports.schemas import (
    ImportFaultListOut,
    ImportOut,
    import_fault_out,
    import_out,
)
from services.api.operations.rights import check_permissions
from services.api.operations.schemas import OperationOut, operation_out
from services.api.paging import cut, of_list
from services.api.problems import language_of
from services.api.request_context import context_of
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.api.turns import Shown, Turn
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.imports import queries
from services.core.imports.errors import MarkedCopyNotFound
from services.core.imports.intake import FirstLook, ImportOptions, look_at
from services.core.imports.models import SheetImport
from services.core.imports.service import (
    SentFile,
    begin_import,
    confirm,
    discard,
    permissions_of,
)
from services.core.kit.errors import InvalidInput
from services.core.kit.operations import Operation
from services.core.kit.pagination import read_page_token, read_version
from services.core.kit.said import FileName
from services.core.sheets.errors import SheetRefused

router = versioned_router("imports")

Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_SUBMISSIONS))]

# One at a time, so that many files take no more CPU and memory than one.
_one_at_a_time = CapacityLimiter(1)

_SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, whatever it is called: what it is follows from its"
        " content. At most 8 MiB, which hold 100,000 rows; compressed or not",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "examples": {"ImportLines": {}},
            },
        },
    }
}


async def _options(
    period: Annotated[
        str | None,
        Query(max_length=40, description="Of rows that do not say one; of a form it must agree"),
    ] = None,
    organization_code: Annotated[
        str | None,
        Query(
            max_length=60,
            description="Of rows that do not say one; of a form it must agree; default: the"
            " caller's own unit",
        ),
    ] = None,
    sheet: Annotated[
        str | None, Query(max_length=60, description="Which sheet is read, where several are seen")
    ] = None,
    draft: Annotated[bool, Query(description="Keep the values as drafts")] = False,
    on_behalf_of: Annotated[
        bool, Query(description="The office only: report on behalf of the units")
    ] = False,
    register: Annotated[
        str | None,
        Query(
            max_length=60,
            description="Code of the register whose rows they are; without it they are values, or"
            " progress of milestones",
        ),
    ] = None,
    score_sheet: Annotated[
        str | None,
        Query(
            max_length=60,
            description="Code of the score sheet by which the rows say what was found, item by"
            " item",
        ),
    ] = None,
) -> ImportOptions:
    said = ImportOptions(period, organization_code, sheet, draft, on_behalf_of, register)
    return replace(said, score_sheet=score_sheet)


Options = Annotated[ImportOptions, Depends(_options)]


@dataclass(frozen=True, slots=True)
class Sent:
    """A readable file, and its type."""

    content: bytes
    look: FirstLook
    options: ImportOptions


async def _sent(
    request: Request, actor: Writer, plan: PlanInScope, resources: ResourcesDep, options: Options
) -> Sent:
    """Return the file of the body, parsed before a session is opened, so that none waits.

    Raises:
        SheetRefused: it is not a supported sheet.
        InvalidInput: the same, together with faults of the query.
    """
    # `ExactRequest` turns an empty POST body into `{}`; here it is an empty file.
    content = await Request.body(request)

    def look() -> FirstLook:
        return look_at(content, options, plan=plan, actor=actor, seal=resources.seal)

    try:
        return Sent(content, await run_sync(look, limiter=_one_at_a_time), options)
    except (SheetRefused, InvalidInput) as error:
        raise type(error)(faults=[*error.faults, *context_of(request).unread]) from None


def _begun(operation: Operation) -> Response:
    told = operation_out(operation).model_dump_json().encode()
    answer = json_answer(told, etag=body_etag(told), status=202)
    answer.headers["Location"] = f"/v1/operations/{operation.id}"
    return answer


@router.post(
    "/plans/{plan}/imports",
    status_code=202,
    responses={
        **answering("ImportBegun", ETAG, LOCATION, status=202),
        **refusals(403, 404, 409, 503),
    },
    openapi_extra=_SENT,
    response_model=OperationOut,
)
@heavy
async def import_sheet(
    actor: Writer,
    plan: PlanInScope,
    sent: Annotated[Sent, Depends(_sent)],
    session: Writing,
    resources: ResourcesDep,
    file_name: Annotated[
        FileName | None, Query(description="What the file is called, to be shown")
    ] = None,
) -> Response:
    """Send values, progress, rows of a register or assessments as a workbook or CSV.

    It is a form, or one's own sheet. Form 01 and sheets like it bring values, form 02 and sheets
    like it how far milestones are; with `register` it is the form of that register, or a sheet with
    its headings; with `score_sheet` that of the score sheet, which begins assessments and changes
    drafts.
    A file that cannot be read is 422 `sheet-refused` at once, with what to do; so is a form of
    another unit, period or version, with where a fresh one is had. Its rows are judged by the
    worker as those of a batch are: `Location` tells how far that is, and `request.import_id`
    which import it is. Nothing is written before that is confirmed.
    """
    check_permissions(actor, permissions_of(sent.look.form))
    _, check = await begin_import(
        session,
        SentFile(sent.content, file_name),
        sent.look,
        sent.options,
        plan_code=plan.code,
        actor=actor,
        now=resources.clock.now(),
    )
    return _begun(check)


ImportId = Annotated[
    UUID,
    Path(description="Id of an import", examples=["019bb0f1-7000-7000-8000-0000000000f1"]),
]


async def _seen(import_id: ImportId, actor: Writer, session: Reading) -> SheetImport:
    """Return an import that the caller sent.

    Raises:
        ImportNotFound: the caller sent no import with this id.
        Forbidden: it no longer has a scope that sending it required.
    """
    sheet = await queries.import_of(
        session, actor.city_code, import_id, credential_id=actor.credential_id
    )
    check_permissions(actor, permissions_of(sheet.form))
    return sheet


Seen = Annotated[SheetImport, Depends(_seen)]


@router.get(
    "/imports/{import_id}",
    responses={**answering("Import", ETAG), **refusals(403, 404)},
    response_model=ImportOut,
)
async def get_import(sheet: Seen, if_none_match: IfNoneMatch = None) -> Response:
    """Return an import of the caller's: what was found in the file, and what can be done now.

    Its files are kept for a week, what was found in them for 30 days.
    """
    body = import_out(sheet).model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/imports/{import_id}/faults",
    responses={**answering("ImportFaults"), **refusals(403, 404)},
)
async def list_import_faults(
    sheet: Seen,
    actor: Writer,
    session: Reading,
    request: Request,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> ImportFaultListOut:
    """List what is wrong with a file, in the order of its rows."""
    named = of_list(actor, "import-faults", of=sheet.id)
    after = None
    if page_token is not None:
        after = read_page_token(page_token, named, read_version, read_version)
    found = await queries.faults_of_import(
        session, sheet.city_code, sheet.id, after=after, limit=page_size + 1
    )
    page, following = cut(found, page_size, named, lambda one: [one.row_number, one.sequence])
    language = language_of(request)
    return ImportFaultListOut(
        items=[import_fault_out(one, language) for one in page], next_page_token=following
    )


@router.get(
    "/imports/{import_id}/marked.xlsx",
    response_class=Response,
    responses={**file_answer(XLSX, "MarkedCopy"), **refusals(403, 404)},
)
@heavy
async def get_marked_copy(
    sheet: Seen, session: Reading, if_none_match: IfNoneMatch = None
) -> Response:
    """Return a copy of the file in which faulty cells are red and say why.

    A sheet 错误清单 lists them with row, column, problem and advice. What was put right in the
    copy can be sent as it is.
    """
    content = await queries.file_of(session, sheet.city_code, sheet.id, "marked")
    if content is None:
        raise MarkedCopyNotFound
    stem = (sheet.file_name or "import").rpartition(".")[0] or sheet.file_name or "import"
    return file_response(content, f"{stem}-标注.xlsx", XLSX, if_none_match)


@dataclass(frozen=True)
class ImportTurn(Turn[SheetImport]):
    """The turn of a verb on an import, for its sender, with the scopes that sending it required."""

    @override
    async def shown(self) -> Shown:
        shown = import_out(self.item)
        body = shown.model_dump_json().encode()
        return Shown(shown, body, body_etag(body))


async def _take(
    import_id: ImportId, actor: Writer, session: Writing, resources: ResourcesDep
) -> ImportTurn:
    sheet = await queries.import_of(
        session, actor.city_code, import_id, credential_id=actor.credential_id, for_update=True
    )
    check_permissions(actor, permissions_of(sheet.form))
    return ImportTurn(sheet, actor, session, resources)


ImportTaken = Annotated[ImportTurn, Depends(_take)]


@router.post(
    "/imports/{import_id}/confirm",
    status_code=202,
    responses={
        **answering("ImportConfirmed", ETAG, LOCATION, status=202),
        **refusals(403, 404, 409, 412),
    },
    response_model=OperationOut,
)
@heavy
async def confirm_import(turn: ImportTaken, if_match: IfMatch = None) -> Response:
    """Have the worker write the rows of a file without faults: all of them, or none.

    Where something has moved since they were judged the operation fails, names the rows, and
    nothing is written. Cancelled before it is done, it has written nothing.
    """
    await turn.check(if_match)
    return _begun(await confirm(turn.session, turn.item, now=turn.resources.clock.now()))


@router.post(
    "/imports/{import_id}/discard",
    responses={**answering("ImportDiscarded", ETAG), **refusals(403, 404, 409, 412)},
    response_model=ImportOut,
)
async def discard_import(turn: ImportTaken, if_match: IfMatch = None) -> Response:
    """Give an import up; nothing of it was written."""
    return await turn.act(if_match, discard, now=turn.resources.clock.now())
