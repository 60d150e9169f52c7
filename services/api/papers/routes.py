"""Routes of papers: requested by the office, made by the worker, kept for good."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from services.api.answers import body_etag, etags, json_answer
from services.api.context import (
    IfNoneMatch,
    PageSize,
    PageToken,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, LOCATION, answering, asking
from services.api.evidence.sending import stored_file
from services.api.operations.schemas import OperationOut, operation_out
from services.api.paging import after_id, after_version, cut, of_list
from services.api.papers.asked import (
    about_matter,
    board_for,
    check_part,
    matter_in_time,
    matter_unknown,
    wish_faults,
)
from services.api.papers.schemas import (
    PaperFigureListOut,
    PaperIn,
    PaperListOut,
    PaperMovedOut,
    PaperOut,
    PaperTraceOut,
    figure_fields,
    moved_fields,
    paper_fields,
)
from services.api.plan_parameters import PeriodFilter
from services.api.routing import versioned_router
from services.api.scoring.contribution_views import contribution_out, unit_in_scope
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.clock import Clock
from services.core.kit.errors import InvalidInput
from services.core.kit.file_store import FileStoreNotSet
from services.core.papers import queries
from services.core.papers.composing import PaperSubject, compose
from services.core.papers.errors import PaperFigureNotFound, PaperNotFound
from services.core.papers.figures import PaperFigure, from_json, moved
from services.core.papers.making import FORMATS
from services.core.papers.matter_reading.queries import matter_of
from services.core.papers.matters import PaperMatter
from services.core.papers.models import Paper
from services.core.papers.paper_kinds import PaperKind, is_form, is_pack
from services.core.papers.service import PaperWish, begin_paper, pack_key
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_that_had
from services.core.plan.visibility import sees_whole_plan
from services.core.scoring.cases import periods_read
from services.core.scoring.counting import Contribution, ScoreSubject, contributions

router = versioned_router("papers")

Maker = Annotated[Actor, Depends(permitted(Permission.MAKE_PAPERS))]
Reader = Annotated[Actor, Depends(permitted(Permission.READ_PAPERS))]
PaperId = Annotated[
    UUID, Path(description="Id of a paper", examples=["019bb0f1-7000-7000-8000-0000000000f5"])
]
FigureNumber = Annotated[
    int, Path(ge=1, le=2**31 - 1, description="Number of a figure of the paper", examples=[9])
]
KindFilter = Annotated[PaperKind | None, Query(description="Of this kind only")]
PaperFormat = Annotated[
    Literal["docx", "pdf", "xlsx", "zip"],
    Path(description="One of the paper's `files`", examples=["docx"]),
]


@router.post(
    "/plans/{plan}/papers",
    status_code=202,
    responses={
        **answering("PaperBegun", ETAG, LOCATION, status=202),
        **refusals(403, 404, 409, 410, 503),
    },
    openapi_extra=asking("BulletinWanted", "SpecialReportWanted"),
    response_model=OperationOut,
)
async def make_paper(
    body: PaperIn, actor: Maker, plan: PlanInScope, session: Writing, resources: ResourcesDep
) -> Response:
    """Have the worker make a paper of what the ledger says.

    `Location` tells how far it is; its `result` says where the paper and its files are. A paper on
    a period is made of one scoreboard at one place in the log: asked for again with the same
    `position`, it says the same, byte for byte; of what is overdue it tells who handed it in by
    the time it was asked for, or by that of the scoreboard where this is named, and a pack holds
    the evidence that was decided on by the time it was asked for. A form is about one matter as it
    stands. Its number is that of the order in which papers are made. Cancelled before it is done,
    it leaves nothing.
    """
    if is_pack(body.kind) and resources.files is None:
        raise FileStoreNotSet
    wish = await _wish(session, plan, body, resources.clock)
    _, operation = await begin_paper(session, wish, actor=actor, now=resources.clock.now())
    told = operation_out(operation).model_dump_json().encode()
    answer = json_answer(told, etag=body_etag(told), status=202)
    answer.headers["Location"] = f"/v1/operations/{operation.id}"
    return answer


async def _wish(session: Writing, plan: PlanState, body: PaperIn, clock: Clock) -> PaperWish:
    """Return the requested paper, once all it refers to is known to exist."""
    today = clock.today(plan.document.time_zone)
    faults = wish_faults(body)
    if faults:
        raise InvalidInput(faults=faults)
    own = await queries.texts_in_force(session, plan.city_code, plan.code, body.kind)
    said: dict[str, Any] = {
        "texts_version": 0 if own is None else own.version,
        "document_number": body.document_number,
        "issued_on": None if body.issued_on is None else body.issued_on.isoformat(),
        "today": today.isoformat(),
    }
    about = None if body.about is None else f"{body.about.kind}/{body.about.id}"
    if is_form(body.kind):
        matter = await _matter(session, plan, body, today)
        return PaperWish(plan.code, body.kind, today.year, None, matter.about, matter.unit, said)
    period, board = await board_for(session, plan, body)
    check_part(plan, body, board)
    said["sequence"] = board.sequence
    if body.publication is None and body.position is None:
        said["looked_at"] = clock.now().isoformat()
    return PaperWish(plan.code, body.kind, period.in_year, period.code, about, None, said)


async def _matter(session: Writing, plan: PlanState, body: PaperIn, today: date) -> PaperMatter:
    """Return the one matter that a form is to be about."""
    kind, named = ("", "") if body.about is None else (body.about.kind, body.about.id)
    about = about_matter(kind, named)
    found = None if about is None else await matter_of(session, plan, about, today)
    if found is None:
        raise InvalidInput(faults=[matter_unknown(named)])
    if body.kind == "supervision" and not found.is_supervised:
        raise InvalidInput(faults=[matter_in_time(named)])
    return found


@router.get("/plans/{plan}/papers", responses={**answering("Papers"), **refusals(403, 404)})
async def list_papers(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    kind: KindFilter = None,
    period: PeriodFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> PaperListOut:
    """List the papers that were made of a plan, the newest first.

    Papers about the whole plan are told to whoever sees all of it, or what was approved of it; a
    unit is told those that are about it.
    """
    named = of_list(actor, "papers", plan=plan.code, kind=kind, period=period)
    found = await queries.papers_of(
        session,
        actor,
        plan.code,
        kind=kind,
        period=period,
        after=after_id(page_token, named),
        limit=page_size + 1,
    )
    page, following = cut(found, page_size, named, lambda one: [one.id])
    files = await queries.files_of(session, plan.city_code, [one.id for one in page])
    return PaperListOut.model_validate(
        {
            "items": [paper_fields(one, files.get(one.id, ())) for one in page],
            "next_page_token": following,
            "limited_to_scope": not sees_whole_plan(actor),
        }
    )


async def _seen(paper_id: PaperId, actor: Reader, session: Reading) -> Paper:
    return await queries.paper_of(session, actor, paper_id)


async def _seen_whole(paper_id: PaperId, actor: Reader, session: Reading) -> Paper:
    return await queries.paper_of(session, actor, paper_id, whole=True)


PaperInScope = Annotated[Paper, Depends(_seen)]
WholePaper = Annotated[Paper, Depends(_seen_whole)]


@router.get(
    "/papers/{paper_id}",
    responses={**answering("Paper", ETAG), **refusals(403, 404)},
    response_model=PaperOut,
)
async def get_paper(
    paper: PaperInScope, session: Reading, if_none_match: IfNoneMatch = None
) -> Response:
    """Return a paper: what it is, and the formats that it was made in."""
    files = await queries.files_of(session, paper.city_code, [paper.id])
    shown = PaperOut.model_validate(paper_fields(paper, files.get(paper.id, ())))
    body = shown.model_dump_json().encode()
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _files_answered() -> dict[int | str, dict[str, object]]:
    content: dict[str, object] = {}
    for media_type in FORMATS.values():
        answered = answering("PaperFile", ETAG, media_type=media_type)[200]
        answered["content"][media_type]["schema"] = {"type": "string", "format": "binary"}
        content |= answered["content"]
    return {200: {**answered, "content": content}}


@router.get(
    "/papers/{paper_id}/content/{format}",
    response_class=Response,
    responses={**_files_answered(), **refusals(403, 404, 503)},
)
async def get_paper_content(
    paper: PaperInScope,
    session: Reading,
    resources: ResourcesDep,
    format: PaperFormat,  # noqa: A002 (the parameter's name in the contract)
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a paper in a format, as it was made: the same bytes for good."""
    found = await queries.file_of(session, paper, format)
    if found is None:
        raise PaperNotFound
    name = f"{paper.plan_code}-{paper.kind}-{paper.year}-{paper.number}.{format}"
    disposition = f'attachment; filename="{name}"'
    if found.content is None:
        described = {
            "Content-Type": FORMATS[format],
            "Content-Length": str(found.size),
            "Content-Disposition": disposition,
        }
        key = pack_key(paper.city_code, found.file_token or paper.id)
        return await stored_file(
            resources.files, key, described, sha256=found.sha256, if_none_match=if_none_match
        )
    etag = f'"{found.sha256}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if if_none_match is not None and not etags(if_none_match).isdisjoint({etag, "*"}):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = disposition
    return Response(found.content, media_type=FORMATS[format], headers=headers)


@router.get(
    "/papers/{paper_id}/figures",
    responses={**answering("PaperFigures"), **refusals(403, 404)},
)
async def list_paper_figures(
    paper: WholePaper,
    actor: Reader,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> PaperFigureListOut:
    """List the figures that a paper prints, by the numbers that stand beside them."""
    named = of_list(actor, "paper-figures", of=str(paper.id))
    after = after_version(page_token, named)
    found = [one for one in _figures(paper) if one.number > after]
    page, following = cut(found, page_size, named, lambda one: [one.number])
    return PaperFigureListOut.model_validate(
        {"items": [figure_fields(one) for one in page], "next_page_token": following}
    )


def _figures(paper: Paper) -> list[PaperFigure]:
    return [from_json(one) for one in paper.figures or ()]


async def _figure(paper: WholePaper, number: FigureNumber) -> PaperFigure:
    """Return a figure of a paper that the caller sees.

    Raises:
        PaperFigureNotFound: the paper has no figure with this number.
    """
    for one in _figures(paper):
        if one.number == number:
            return one
    raise PaperFigureNotFound


@router.get(
    "/papers/{paper_id}/figures/{number}",
    responses={**answering("PaperTrace"), **refusals(403, 404)},
)
async def get_paper_figure(
    figure: Annotated[PaperFigure, Depends(_figure)],
    paper: WholePaper,
    actor: Reader,
    session: Reading,
) -> PaperTraceOut:
    """Return a figure of a paper with where it comes from, down to the submissions."""
    plan = await _plan_of(session, paper)
    position = paper.position or 0
    inputs: list[Contribution] = []
    outside, path = 0, None
    if figure.indicator is not None:
        had = await plan_that_had(session, plan, figure.indicator)
        period = plan.period_calendar.period(figure.period)
        read = periods_read(had, period, had.indicators[figure.indicator])
        inputs, outside = await contributions(
            session,
            plan.city_code,
            plan.code,
            place=ScoreSubject(figure.indicator, "approved", read),
            position=position,
            unit=unit_in_scope(actor, plan, had, figure.indicator),
        )
        if had is plan:  # a dropped indicator is on no current scoreboard
            scores = f"/v1/plans/{plan.code}/indicators/{figure.indicator}/score"
            path = f"{scores}?period={figure.period}"
    return PaperTraceOut.model_validate(
        {
            **figure_fields(figure),
            "paper_id": paper.id,
            "position": position,
            "score_path": path,
            "submissions": [contribution_out(one) for one in inputs],
            "submissions_outside_scope": outside,
        }
    )


@router.get(
    "/papers/{paper_id}/moved",
    responses={**answering("PaperMoved"), **refusals(403, 404)},
)
async def list_paper_moved(
    paper: WholePaper, session: Reading, resources: ResourcesDep
) -> PaperMovedOut:
    """Tell which figures of a paper say something else today than was printed.

    The paper is composed anew of what the ledger says now, and its figures are compared by key.
    """
    plan = await _plan_of(session, paper)
    day = resources.clock.today(plan.document.time_zone)
    now = await compose(session, plan, PaperSubject.of(paper, today=day, now=resources.clock.now()))
    today = [] if now is None else [from_json(one) for one in now.figures]
    return PaperMovedOut.model_validate(
        {
            "paper_id": paper.id,
            "position": paper.position,
            "position_now": None if now is None else now.position,
            "items": [moved_fields(one) for one in moved(_figures(paper), today)],
            "next_page_token": None,
        }
    )


async def _plan_of(session: Reading, paper: Paper) -> PlanState:
    plan = await plan_state(session, paper.city_code, paper.plan_code)
    if plan is None:
        raise PaperNotFound
    return plan
