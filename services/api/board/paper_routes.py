"""The pages of papers: requested on the office's page, and viewed here."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from fastapi import Request, Response

from services.api.board.forms import Form, form_token
from services.api.board.operation_calls import Call, carried_out
from services.api.board.page_helpers import FilePassedOn, plan_shown, sent_form
from services.api.board.rendering import page
from services.api.board.routing import (
    FORM,
    Chosen,
    board_router,
    html,
    problem_page,
    reading_language,
    root_of,
    sent_on,
    signed_in,
)
from services.api.board.visitors import Visitor, renewed, shown_visitor
from services.core.papers.paper_kinds import MATTERS, PaperKind, is_form
from services.core.plan.state import PlanState

router = board_router()

OFFERED: tuple[PaperKind, ...] = get_args(PaperKind)
"""The kinds of papers that the office's page offers."""


def parts_offered(state: PlanState) -> list[tuple[str, str]]:
    """Return the possible subjects of a special report, by form value, with their names."""
    groups = [(f"group/{one.code}", one.name) for one in state.document.groups]
    return groups + [(f"indicator/{code}", one.name) for code, one in state.indicators.items()]


def matters_offered(late: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the late matters that a supervision form may be about, by form value."""
    offered = []
    for one in late:
        kind, id_ = one["subject"]["kind"], one["subject"]["id"]
        if kind not in MATTERS:
            kind, id_ = "alert", one["alert_id"]
        if id_ is not None:
            offered.append((f"{kind}/{id_}", f"{one['organization_name']}：{one['title']}"))
    return offered


@router.post("/plans/{plan}/office/papers", openapi_extra=FORM)
async def ask_for_paper(plan: str, request: Request) -> Response:
    """Have a paper made, and lead to how far it is."""
    form, visitor = await sent_form(request)
    call = Call("make_paper", {"plan": plan}, body=_wish(form), key=form.get("key") or None)
    answer = await carried_out(request, visitor, call)
    said = answer.read() or {}
    if answer.is_refusal:
        return problem_page(request, said, answer.status)
    return sent_on(request, f"/plans/{plan}/office/papers/under-way/{said['id']}")


def _wish(form: Form) -> dict[str, Any]:
    """Return the operation's body; a form about one matter has no period."""
    said: dict[str, Any] = {
        name: value
        for name in ("kind", "period", "document_number", "issued_on")
        if (value := form.get(name))
    }
    kind, _, id_ = form.get("about").partition("/")
    if id_:
        said["about"] = {"kind": kind, "id": id_}
    if is_form(said.get("kind", "")):
        said.pop("period", None)
    return said


@router.get("/plans/{plan}/office/papers/under-way/{operation_id}")
async def show_paper_under_way(
    plan: str, operation_id: str, request: Request, lang: Chosen = None
) -> Response:
    """Show how far a paper is; once it is made, lead to it."""
    del lang
    visitor = await signed_in(request)
    call = Call("get_operation", {"operation_id": operation_id})
    answer = await carried_out(request, visitor, call)
    found = answer.read() or {}
    if answer.is_refusal:
        return problem_page(request, found, answer.status)
    made = (found["result"] or {}).get("paper_id")
    if made is not None:
        return sent_on(request, f"/plans/{plan}/office/papers/{made}")
    return await _shown(request, visitor, plan, operation=found)


@router.get("/plans/{plan}/office/papers/{paper_id}")
async def show_paper(plan: str, paper_id: str, request: Request, lang: Chosen = None) -> Response:
    """Show a paper: its files, and which of its figures moved since it was made."""
    del lang
    visitor = await signed_in(request)
    named = {"paper_id": paper_id}
    answer = await carried_out(request, visitor, Call("get_paper", named))
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    moved = await carried_out(request, visitor, Call("list_paper_moved", named))
    if moved.is_refusal:
        return problem_page(request, moved.read() or {}, moved.status)
    return await _shown(request, visitor, plan, paper=answer.read(), moved=moved.read())


@router.get("/plans/{plan}/office/papers/{paper_id}/{form}")
async def get_paper_file(plan: str, paper_id: str, form: str, request: Request) -> Response:
    """Return a paper in a format, as it was made."""
    visitor = await signed_in(request)
    await plan_shown(request, visitor, plan)
    call = Call("get_paper_content", {"paper_id": paper_id, "format": form})
    return FilePassedOn(request, visitor, call)


async def _shown(
    request: Request,
    visitor: Visitor,
    plan: str,
    *,
    operation: Mapping[str, Any] | None = None,
    paper: Mapping[str, Any] | None = None,
    moved: Mapping[str, Any] | None = None,
) -> Response:
    state = await plan_shown(request, visitor, plan)
    body = page(
        "paper.html",
        reading_language(request),
        root=root_of(request),
        plan=state.code,
        operation=operation,
        paper=paper,
        moved=moved,
        visitor=shown_visitor(visitor, form_token(request, visitor.mark), state),
    )
    return renewed(request, visitor, html(request, body))
