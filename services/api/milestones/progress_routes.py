"""Routes of progress: of tasks, of the units that lead them, and of townships."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic_core import from_json, to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, Reading, Resources, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.milestones.parameters import Reader
from services.api.milestones.schemas import ProgressListOut, TaskProgressOut
from services.api.plan_parameters import (
    PeriodQuery,
    SectionQuery,
    TaskNumber,
    period_of_board,
)
from services.api.routing import versioned_router
from services.core.identity.actor import Actor
from services.core.kit.decimals import display, plain_or_none
from services.core.milestones import progress, queries
from services.core.milestones.progress import (
    MeasureProgress,
    Progress,
    TaskProgress,
    UnitProgress,
)
from services.core.milestones.queries import MeasureTally
from services.core.milestones.reasons import words
from services.core.milestones.rules import FULL
from services.core.plan.leads import leading
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_every
from services.core.scoring.queries import latest_board_text
from services.core.scoring.service import nothing_drawn

router = versioned_router("milestones")

By = Annotated[
    Literal["task", "lead", "township"],
    Query(
        description="What to add up: the plan's tasks, the measures that each unit leads, or what"
        " each township-level body promised itself"
    ),
]


@dataclass(frozen=True, slots=True)
class _View:
    """The context of a progress answer: the caller, the plan and the indicators of its board."""

    actor: Actor
    plan: PlanState
    indicators: Mapping[str, Mapping[str, Any]]

    @property
    def lights(self) -> dict[str, str]:
        """The light of each indicator, by code."""
        return {code: row["light"] for code, row in self.indicators.items()}


@router.get(
    "/plans/{plan}/tasks/progress",
    responses={**answering("ProgressOfTasks", ETAG), **refusals(403, 404)},
    response_model=ProgressListOut,
)
async def list_task_progress(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    resources: ResourcesDep,
    by: By = "task",
    period: PeriodQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tell how far tasks or units are: milestones by weight, lights, and why.

    It is made of the milestones that the caller may see (`whole` says whether those are all)
    and of the lights that the newest scoreboard of `period` gives to the linked indicators.
    """
    wanted = period_of_board(plan, period)
    view = _View(actor, plan, await _indicators(session, resources, plan, wanted))
    tallies = await _tallies(session, resources, view)
    items: list[dict[str, Any]]
    if by == "task":
        tasks = progress.of_tasks(plan.document.tasks, tallies, view.lights)
        items = [_task(one, view) for one in tasks]
    elif by == "lead":
        leads = progress.of_leads(plan.document, tallies, view.lights)
        items = [_unit(one, view) for one in leads]
    else:
        townships = progress.of_townships(plan.document, tallies)
        items = [_unit(one, view, alone=True) for one in townships]
    listed = {**_head(resources, plan, wanted), "by": by, "items": items, "next_page_token": None}
    body = to_json(listed)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


@router.get(
    "/plans/{plan}/tasks/{number}/progress",
    responses={**answering("ProgressOfTask", ETAG), **refusals(403, 404)},
    response_model=TaskProgressOut,
)
async def get_task_progress(
    actor: Reader,
    plan: PlanInScope,
    number: TaskNumber,
    session: Reading,
    resources: ResourcesDep,
    section: SectionQuery = None,
    period: PeriodQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Tell how far one task is, measure by measure."""
    task = plan.task(number, section)
    wanted = period_of_board(plan, period)
    view = _View(actor, plan, await _indicators(session, resources, plan, wanted))
    tallies = await _tallies(session, resources, view, [one.code for one in task.measures])
    (found,) = progress.of_tasks([task], tallies, view.lights)
    body = to_json({**_head(resources, plan, wanted), **_task(found, view)})
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _head(resources: Resources, plan: PlanState, period: Period) -> dict[str, Any]:
    return {
        "plan": plan.code,
        "period": period.code,
        "local_date": resources.clock.today(plan.document.time_zone),
    }


async def _indicators(
    session: Reading, resources: Resources, plan: PlanState, period: Period
) -> Mapping[str, Mapping[str, Any]]:
    """Return the indicators of the newest scoreboard, or of an empty one if none was drawn."""
    async with resources.reads.pool.acquire() as connection:
        row = await latest_board_text(
            connection, plan.city_code, plan.code, period=period.code, basis="approved"
        )
    if row is None:
        today = resources.clock.today(plan.document.time_zone)
        board = (await nothing_drawn(session, plan, period, today)).board
    else:
        board = from_json(row["board"])
    return {one["code"]: one for one in board["indicators"]}


async def _tallies(
    session: Reading, resources: Resources, view: _View, measures: Sequence[str] | None = None
) -> list[MeasureTally]:
    document = view.plan.document
    return await queries.tallies(
        session,
        view.actor,
        plan_code=view.plan.code,
        today=resources.clock.today(document.time_zone),
        time_zone=document.time_zone,
        lights=document.scheme.lights,
        measures=measures,
    )


def _task(found: TaskProgress, view: _View) -> dict[str, Any]:
    return {
        "number": found.task.number,
        "organization_code": None,
        "name": found.task.title,
        **_sum(found.progress, whole=_sees_whole(found.measures, view)),
        "measures": [_measure(one, view) for one in found.measures],
        "indicators": _linked(found.progress, view),
    }


def _unit(found: UnitProgress, view: _View, *, alone: bool = False) -> dict[str, Any]:
    """Return a unit's progress; `alone` if it consists of the unit's own commitments."""
    own = alone and view.actor.organization_code == found.organization_code
    return {
        "number": None,
        "organization_code": found.organization_code,
        "name": view.plan.organizations[found.organization_code].name,
        **_sum(found.progress, whole=own or _sees_whole(found.measures, view)),
        "measures": [_measure(one, view, whole=own) for one in found.measures],
        "indicators": _linked(found.progress, view),
    }


def _measure(found: MeasureProgress, view: _View, *, whole: bool = False) -> dict[str, Any]:
    return {
        "code": found.measure.code,
        "lead_units": list(found.measure.lead_units),
        **_sum(found.progress, whole=whole or _sees_whole([found], view)),
        "indicators": list(found.progress.indicators),
    }


def _sees_whole(measures: Sequence[MeasureProgress], view: _View) -> bool:
    """Return whether the caller sees every milestone of these measures; none given: every one."""
    plan = view.plan
    each = [leading(one.measure, plan.organizations) for one in measures] or [()]
    return all(
        sees_every(view.actor, city_code=plan.city_code, plan_code=plan.code, leads=leads)
        for leads in each
    )


def _sum(found: Progress, *, whole: bool) -> dict[str, Any]:
    percent = found.sum.share.percent
    reasons = [words(code, details) for code, details in found.reasons]
    return {
        "percent": plain_or_none(percent),
        "display": None if percent is None else display(percent, most=(Decimal(0),), least=(FULL,)),
        "weight": plain_or_none(found.sum.share.weight),
        "milestones": found.sum.number,
        "closed": found.sum.closed,
        "overdue": found.sum.overdue,
        "next_due_date": found.sum.next_due,
        "whole": whole,
        "light": found.light,
        "reason": "；".join(one.zh for one in reasons),
        "reason_en": "; ".join(one.en for one in reasons),
        "reason_code": found.reasons[0][0],
    }


def _linked(found: Progress, view: _View) -> list[dict[str, Any]]:
    shown = ("code", "name", "light", "reason", "reason_en")
    return [
        {name: view.indicators[code][name] for name in shown}
        for code in found.indicators
        if code in view.indicators
    ]
