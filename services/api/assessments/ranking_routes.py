"""Routes of rankings by a score sheet, and of the trial of a changed sheet."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Response
from pydantic_core import to_json

from services.api.answers import body_etag, json_answer
from services.api.assessments.ranking_schemas import (
    AssessmentRankingOut,
    SheetTrialIn,
    SheetTrialOut,
    ranking_fields,
    tried_fields,
)
from services.api.assessments.routes import Reader, SheetInPlan, SheetToRead
from services.api.context import IfNoneMatch, PlanInScope, Reading, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.assessments import queries
from services.core.assessments.placing import (
    MOST_RANKED,
    MOST_TRIED,
    AssessmentBasis,
    RankedSubject,
    ranked,
    tried,
)
from services.core.assessments.rules import assesses
from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.sheet_faults import read_sheet
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.plan.visibility import sees, sees_whole_plan

router = versioned_router("assessments")

Trier = Annotated[Actor, Depends(permitted(Permission.TRY_CHECKS))]

_TOO_MANY = Text(
    "该周期的评估超过 {most} 个，无法一次排名",
    "There are more than {most} assessments of this period, too many at once",
)
_ANOTHER_CODE = Text("应为路径中的代码 {code}", "Must be the code in the path, {code}")


@router.get(
    "/plans/{plan}/score-sheets/{sheet}/rankings",
    responses={**answering("AssessmentRankings", ETAG), **refusals(403, 404)},
    response_model=AssessmentRankingOut,
)
async def get_assessment_rankings(
    actor: Reader,
    plan: PlanInScope,
    sheet: SheetToRead,
    session: Reading,
    period: Annotated[
        str,
        Query(
            max_length=40,
            description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`, of the sheet's cycle",
            examples=["2025"],
        ),
    ],
    basis: Annotated[
        AssessmentBasis,
        Query(description="`confirmed`: whatever was confirmed, for whoever assesses"),
    ] = "published",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Rank the assessments of a sheet and a period within comparable groups.

    Places go by exact totals; equals share one and the next is left out. A unit is told its own
    place and among how many; the others are told to whoever assesses or sees the whole plan.
    """
    parsed_period(plan, period, "/query/period")
    in_full = sees_whole_plan(actor) or assesses(actor, sheet)
    if basis == "confirmed" and not in_full:
        raise takes(
            "该评估细则的评估单位（lead）、office 或 leader", "whoever assesses by the sheet"
        )
    rows = await queries.of_period(
        session, plan.city_code, plan.code, sheet.code, period, limit=MOST_RANKED + 1
    )
    _check_number(len(rows), MOST_RANKED, "/query/period")
    found = ranked(rows, sheet, plan, basis)
    seen = [one for one in found if in_full or _shown(one, plan, sheet, actor)]
    listed = {
        "plan": plan.code,
        "sheet_code": sheet.code,
        "period": period,
        "basis": basis,
        **ranking_fields(seen, plan, sheet),
        "limited_to_scope": len(seen) < len(found),
        "next_page_token": None,
    }
    body = to_json(listed)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _shown(one: RankedSubject, plan: PlanState, sheet: ScoreSheet, actor: Actor) -> bool:
    """Return whether a caller without the right to assess sees a subject: once it is published."""
    published = one.why in {None, "nothing_applies"}
    return published and sees(
        actor,
        city_code=plan.city_code,
        plan_code=plan.code,
        units={one.organization_code},
        leads=sheet.assessors,
        approved=True,
    )


def _check_number(found: int, most: int, place: str) -> None:
    if found > most:
        told = _TOO_MANY.format(most=str(most))
        raise InvalidInput(faults=[Fault(place, "too-many-assessments", told)])


@router.post(
    "/plans/{plan}/score-sheets/{sheet}/dry-run",
    responses={**answering("SheetTried"), **refusals(403, 404)},
    openapi_extra=asking("SheetTrial"),
)
async def try_score_sheet(
    body: SheetTrialIn, actor: Trier, plan: PlanInScope, sheet: SheetInPlan, session: Writing
) -> SheetTrialOut:
    """Say what a changed sheet would give for what was found, and write nothing.

    Each confirmed assessment of the period stands there with total, colour and place before and
    after. Where the changed sheet asks for what nobody looked at, it takes no place after.
    """
    del actor
    changed, faults = read_sheet(body.sheet, plan.document, "/sheet")
    if changed is not None and changed.code != sheet.code:
        told = _ANOTHER_CODE.format(code=sheet.code)
        faults.append(Fault("/sheet/code", "another-sheet", told, changed.code))
    try:
        parsed_period(plan, body.period, "/period")
    except InvalidInput as refusal:
        faults += refusal.faults
    if faults or changed is None:
        raise InvalidInput(faults=faults)
    rows = await queries.of_period(
        session,
        plan.city_code,
        plan.code,
        sheet.code,
        body.period,
        limit=MOST_TRIED + 1,
        confirmed=True,
    )
    _check_number(len(rows), MOST_TRIED, "/period")
    found = await asyncio.to_thread(tried, rows, changed)
    moved = sum(
        (one.before.place, one.before.total) != (one.after.place, one.after.total) for one in found
    )
    items = [tried_fields(one, plan, sheet, changed) for one in found]
    return SheetTrialOut.model_validate({"examined": len(found), "moved": moved, "items": items})
