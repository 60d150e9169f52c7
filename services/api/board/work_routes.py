"""The interactive pages: the unit's, the office's, and that of an uploaded sheet.

They show the answers of operations of the contract, and each form calls such an operation.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.api.board.forms import form_of, form_token
from services.api.board.operation_calls import Call, carried_out
from services.api.board.page_helpers import FilePassedOn, answer_of, plan_shown, sent_form
from services.api.board.paper_routes import OFFERED, matters_offered, parts_offered
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
from services.api.board.work_view import (
    Refused,
    entered_rows,
    refused_rows,
    shown_cells,
    shown_value,
)
from services.core.identity.errors import not_permitted, takes
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.plan.state import PlanState

router = board_router()

PeriodChosen = Annotated[str | None, Query(max_length=40)]
Done = Annotated[str | None, Query(max_length=40)]

_MOST_TODO = 100
_MOST_REVIEWS = 100
_MOST_CONFLICTS = 50
_MOST_FAULTS = 200
_MOST_PAPERS = 20
_MOST_MATTERS = 50
_ACCEPTED = 202
_VERBS = ("open", "close", "publish", "reopen")


def _period(plan: PlanState, said: str | None) -> str | None:
    """Return the period to work on: the requested one, or the open one due soonest."""
    if said is not None:
        return said
    opened = [one for one in plan.periods.values() if one.state == "open"]
    return min(opened, key=lambda one: (one.due_date, one.period)).period if opened else None


def _is_open(plan: PlanState, period: str) -> bool:
    return period in plan.periods and plan.periods[period].state == "open"


def _own_unit(visitor: Visitor) -> str:
    """Return the unit of a visitor.

    Raises:
        Forbidden: the visitor has no unit.
    """
    unit = visitor.actor.organization_code
    if unit is None:
        raise takes("属于某单位的岗位", "a post of a unit")
    return unit


@router.get("/plans/{plan}/unit")
async def show_unit(
    plan: str, request: Request, period: PeriodChosen = None, done: Done = None, lang: Chosen = None
) -> Response:
    """Show what waits for a unit, and the values that it is asked for."""
    del lang
    return await _unit_page(request, await signed_in(request), plan, period, done=done)


async def _unit_page(
    request: Request,
    visitor: Visitor,
    plan: str,
    period: str | None,
    *,
    done: str | None = None,
    refused: Refused | None = None,
) -> Response:
    unit, language = _own_unit(visitor), reading_language(request)
    state = await plan_shown(request, visitor, plan)
    wanted = _period(state, period)
    named = {"plan": state.code}
    todo = await answer_of(
        request,
        visitor,
        Call("list_todo", query={"plan": state.code, "page_size": _MOST_TODO}),
    )
    form = None
    if wanted is not None:
        asked = {"period": wanted, "organization_code": unit}
        form = await answer_of(request, visitor, Call("get_form_of_unit", named, asked))
    cells = shown_cells(form, refused)
    body = page(
        "unit.html",
        language,
        root=root_of(request),
        plan=state.code,
        title=state.document.title,
        unit=state.organization_name(unit),
        period=wanted,
        periods=sorted(state.periods, reverse=True),
        todo=todo,
        form=form,
        cells=cells,
        returned=[one for one in cells if one["state"] == "returned"],
        refused=refused,
        done=done,
        key=str(new_id()),
        may_write=form is not None,
        shown_value=shown_value,
        visitor=shown_visitor(visitor, form_token(request, visitor.mark), state),
    )
    return renewed(request, visitor, html(request, body, status=422 if refused else 200))


@router.post("/plans/{plan}/unit", openapi_extra=FORM)
async def report_values(plan: str, request: Request) -> Response:
    """Report what the unit's form says, all of it or nothing."""
    visitor = await signed_in(request)
    form = await form_of(request, visitor.mark)
    period, unit = form.get("period"), _own_unit(visitor)
    rows = entered_rows(form, unit, period)
    if not rows:
        return await _unit_page(request, visitor, plan, period, done="nothing")
    kept = form.get("action") == "draft"
    call = Call(
        "write_batch",
        {"plan": plan},
        body={"items": rows, "strategy": "upsert", "atomic": True, "draft": kept},
        key=form.get("key") or None,
    )
    answer = await carried_out(request, visitor, call)
    if answer.is_refusal:
        said = answer.read() or {}
        if answer.status == 422:  # noqa: PLR2004 (what was entered has faults)
            refused = refused_rows(form, rows, said)
            return await _unit_page(request, visitor, plan, period, refused=refused)
        return problem_page(request, said, answer.status)
    return sent_on(request, f"/plans/{plan}/unit?period={period}&done={'kept' if kept else 'sent'}")


@router.post("/plans/{plan}/unit/sheet", openapi_extra=FORM)
async def send_sheet(plan: str, request: Request) -> Response:
    """Take a sheet in, and lead to what is found in it."""
    visitor = await signed_in(request)
    form = await form_of(request, visitor.mark)
    name, content = form.files.get("sheet", ("", b""))
    if not content:
        missing = Text("请选择一个文件", "Choose a file")
        raise InvalidInput(faults=[Fault("/sheet", "missing", missing)])
    query = {"file_name": name[-255:]} if name else {}
    if form.get("period"):
        query["period"] = form.get("period")
    call = Call("import_sheet", {"plan": plan}, query, content=content, key=form.get("key") or None)
    answer = await carried_out(request, visitor, call)
    said = answer.read() or {}
    if answer.status != _ACCEPTED:
        return problem_page(request, said, answer.status)
    return sent_on(request, f"/plans/{plan}/imports/{said['request']['import_id']}")


@router.get("/plans/{plan}/imports/{import_id}")
async def show_import(plan: str, import_id: str, request: Request, lang: Chosen = None) -> Response:
    """Show what was found in a sheet, and what can be done with it."""
    del lang
    visitor, language = await signed_in(request), reading_language(request)
    state = await plan_shown(request, visitor, plan)
    named = {"import_id": import_id}
    answer = await carried_out(request, visitor, Call("get_import", named))
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    faults = await answer_of(
        request, visitor, Call("list_import_faults", named, {"page_size": _MOST_FAULTS})
    )
    body = page(
        "import.html",
        language,
        root=root_of(request),
        plan=state.code,
        sheet=answer.read(),
        faults=faults,
        visitor=shown_visitor(visitor, form_token(request, visitor.mark), state),
    )
    return renewed(request, visitor, html(request, body))


@router.get("/plans/{plan}/imports/{import_id}/marked.xlsx")
async def get_marked(plan: str, import_id: str, request: Request) -> Response:
    """Return the copy of a sheet in which the faults are marked."""
    visitor = await signed_in(request)
    await plan_shown(request, visitor, plan)
    return FilePassedOn(request, visitor, Call("get_marked_copy", {"import_id": import_id}))


@router.post("/plans/{plan}/imports/{import_id}", openapi_extra=FORM)
async def decide_import(plan: str, import_id: str, request: Request) -> Response:
    """Confirm a sheet, or give it up."""
    visitor = await signed_in(request)
    form = await form_of(request, visitor.mark)
    verb = "confirm_import" if form.get("action") == "confirm" else "discard_import"
    answer = await carried_out(request, visitor, Call(verb, {"import_id": import_id}))
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    return sent_on(request, f"/plans/{plan}/imports/{import_id}")


@router.get("/plans/{plan}/office")
async def show_office(
    plan: str, request: Request, period: PeriodChosen = None, done: Done = None, lang: Chosen = None
) -> Response:
    """Show who has not reported, what waits for a review or a decision, and the periods."""
    del lang
    return await _office_page(request, await signed_in(request), plan, period, done=done)


async def _office_page(
    request: Request,
    visitor: Visitor,
    plan: str,
    period: str | None,
    *,
    done: str | None = None,
    outcome: Mapping[str, Any] | None = None,
    reminded: Mapping[str, Any] | None = None,
) -> Response:
    state = await plan_shown(request, visitor, plan)
    if not visitor.actor.may(Permission.REVIEW_SUBMISSIONS):
        raise not_permitted(visitor.actor, Permission.REVIEW_SUBMISSIONS)
    named, wanted = {"plan": state.code}, _period(state, period)
    of_period = {} if wanted is None else {"period": wanted}
    rates = await answer_of(
        request,
        visitor,
        Call("get_reporting_rates", named, {**of_period, "by": "organization"}),
    )
    reviews = await answer_of(
        request,
        visitor,
        Call("list_submissions", named, {"state": "submitted", "page_size": _MOST_REVIEWS}),
    )
    conflicts = await answer_of(
        request,
        visitor,
        Call("list_conflicts", named, {"state": "open", "page_size": _MOST_CONFLICTS}),
    )
    periods = await answer_of(request, visitor, Call("list_periods", named))
    papers = await answer_of(
        request, visitor, Call("list_papers", named, {"page_size": _MOST_PAPERS})
    )
    makes_papers, late = visitor.actor.may(Permission.MAKE_PAPERS), None
    if makes_papers:
        late_ones = Call("list_late", named, {"page_size": _MOST_MATTERS})
        late = await answer_of(request, visitor, late_ones)
    behind = [one for one in (rates or {"items": []})["items"] if one["reported"] < one["expected"]]
    # In the plan's order of units, not by code.
    ranks = {code: rank for rank, code in enumerate(state.organizations)}
    owing = sorted(behind, key=lambda one: ranks.get(one["code"], len(ranks)))
    body = page(
        "office.html",
        reading_language(request),
        root=root_of(request),
        plan=state.code,
        title=state.document.title,
        period=wanted,
        periods=sorted(state.periods, reverse=True),
        rates=rates,
        owing=owing,
        reviews=[_named(one, state) for one in (reviews or {"items": []})["items"]],
        conflicts=(conflicts or {"items": []})["items"],
        stretches=(periods or {"items": []})["items"],
        papers=(papers or {"items": []})["items"],
        kinds_offered=OFFERED,
        parts_offered=parts_offered(state),
        matters_offered=matters_offered((late or {"items": []})["items"]),
        makes_papers=makes_papers,
        key=str(new_id()),
        outcome=outcome,
        reminded=reminded,
        is_open=wanted is not None and _is_open(state, wanted),
        done=done,
        shown_value=shown_value,
        runs_periods=visitor.actor.may(Permission.RUN_PERIOD),
        visitor=shown_visitor(visitor, form_token(request, visitor.mark), state),
    )
    return renewed(request, visitor, html(request, body))


def _named(one: Mapping[str, Any], plan: PlanState) -> dict[str, Any]:
    return {
        **one,
        "indicator_name": plan.indicator_name(one["indicator_code"]),
        "organization_name": plan.organization_name(one["organization_code"]),
    }


@router.post("/plans/{plan}/office/review", openapi_extra=FORM)
async def review(plan: str, request: Request) -> Response:
    """Approve or send back what was chosen, each by itself, and tell what became of it."""
    visitor = await signed_in(request)
    form = await form_of(request, visitor.mark)
    returns, reason = form.get("action") == "return", form.get("reason")
    chosen = form.every("id")
    if not chosen:
        return sent_on(request, f"/plans/{plan}/office?done=nothing")
    items = [{"id": one, **({"reason": reason} if reason else {})} for one in chosen]
    call = Call(
        "return_submissions" if returns else "approve_submissions",
        {"plan": plan},
        body={"items": items},
        key=form.get("key") or None,
    )
    answer = await carried_out(request, visitor, call)
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    return await _office_page(request, visitor, plan, None, outcome=answer.read())


@router.post("/plans/{plan}/office/reminders", openapi_extra=FORM)
async def remind(plan: str, request: Request) -> Response:
    """Remind exactly those who have not reported, and tell how many they were."""
    form, visitor = await sent_form(request)
    period = form.get("period")
    call = Call(
        "remind_units",
        {"plan": plan, "period": period},
        body={"note": form.get("note") or None},
    )
    answer = await carried_out(request, visitor, call)
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    return await _office_page(request, visitor, plan, period, reminded=answer.read())


@router.post("/plans/{plan}/office/conflicts/{conflict_id}", openapi_extra=FORM)
async def decide(plan: str, conflict_id: str, request: Request) -> Response:
    """Take one of two versions that lie in conflict."""
    form, visitor = await sent_form(request)
    said = {"take": form.get("take"), "reason": form.get("reason") or None}
    call = Call("decide_conflict", {"conflict_id": conflict_id}, body=said)
    return await _done(request, visitor, plan, call)


@router.post("/plans/{plan}/office/periods", openapi_extra=FORM)
async def run_period(plan: str, request: Request) -> Response:
    """Open, close, publish or reopen a period."""
    form, visitor = await sent_form(request)
    verb = form.get("verb")
    if verb not in _VERBS:
        said = Text("请选择一种操作", "Choose what to do")
        raise InvalidInput(faults=[Fault("/verb", "unknown-choice", said)])
    wanted = {name: form.get(name) for name in ("due_date", "reason") if form.get(name)}
    takes_body = verb in {"open", "reopen"}
    call = Call(
        f"{verb}_period",
        {"plan": plan, "period": form.get("period")},
        body=wanted if takes_body else None,
    )
    return await _done(request, visitor, plan, call)


async def _done(request: Request, visitor: Visitor, plan: str, call: Call) -> Response:
    answer = await carried_out(request, visitor, call)
    if answer.is_refusal:
        return problem_page(request, answer.read() or {}, answer.status)
    return sent_on(request, f"/plans/{plan}/office?done=done")
