"""Routes of entry checks: list them, try new ones, read their findings."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query

from services.api.context import PageSize, PageToken, PlanInScope, Reading, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering, asking
from services.api.filters import check_codes
from services.api.paging import after_id, cut, of_list
from services.api.plan_parameters import PeriodFilter
from services.api.routing import versioned_router
from services.api.security import permitted
from services.api.submissions.check_schemas import (
    CheckResultsOut,
    ChecksOut,
    CheckTrialIn,
    CheckTrialOut,
    TrialPlaceOut,
    check_out,
    check_result,
    trial_finding,
)
from services.core.checks.descriptions import described_checks
from services.core.checks.queries import TrialScope, figures_at, reported_places
from services.core.checks.trial import broken_by, most_at_once, places_tried
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.database import driver_connection
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.check_faults import faults_of_trial
from services.core.plan.checks_in_force import StandingRule, rules_of_balance, standing
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period
from services.core.submissions import queries
from services.core.submissions.creation import organization_faults
from services.core.submissions.queries import SubmissionFilters

router = versioned_router("submissions")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
Reviewer = Annotated[Actor, Depends(permitted(Permission.REVIEW_SUBMISSIONS))]
Trier = Annotated[Actor, Depends(permitted(Permission.TRY_CHECKS))]


@router.get("/plans/{plan}/checks", responses={**answering("Checks"), **refusals(403, 404)})
async def list_checks(actor: Reader, plan: PlanInScope) -> ChecksOut:
    """List the checks (审核关系) of the plan in force, each with what must hold in words.

    They are held against a value as it is reported, and not again when another value changes.
    """
    del actor
    items = [check_out(one) for one in described_checks(plan)]
    return ChecksOut(plan=plan.code, version=plan.version, items=items)


@router.post(
    "/plans/{plan}/checks/dry-run",
    responses={**answering("CheckTried"), **refusals(403, 404)},
    openapi_extra=asking("CheckTrial"),
)
async def try_checks(
    body: CheckTrialIn, actor: Trier, plan: PlanInScope, session: Writing
) -> CheckTrialOut:
    """Say what rules would find in what is stored, and write nothing.

    It looks at up to 500 values at once, fewer for rules of many terms; go on from `next`.
    """
    del actor
    rules = _rules(body, plan)
    scope = TrialScope(body.period, body.organization_code)
    if body.after is not None:
        scope = replace(scope, after=Slot(**body.after.model_dump()))
    connection = await driver_connection(session)
    most = most_at_once(rules)
    asked = {code for one in rules for code, _ in one.asked_of}
    found = await reported_places(connection, plan, asked, scope, limit=most + 1)
    reported = found[:most]
    figures = await figures_at(connection, plan, places_tried(reported, rules, plan))
    items = [
        trial_finding(place, one, plan) for place, one in broken_by(reported, rules, plan, figures)
    ]
    last = TrialPlaceOut(**reported[-1]._asdict()) if len(found) > most else None
    return CheckTrialOut(examined=len(reported), broken=len(items), items=items, next=last)


_NOTHING_TRIED = Fault(
    "/rules",
    "missing",
    Text("请写明要试的 rules 或 balances", "Give the rules or balances to be tried"),
)


def _rules(body: CheckTrialIn, plan: PlanState) -> tuple[StandingRule, ...]:
    """Return the rules in a body.

    Raises:
        InvalidInput: they contradict themselves, or name codes that the plan does not have.
    """
    faults = faults_of_trial(body.rules, body.balances, plan.document)
    if not (body.rules or body.balances):
        faults.append(_NOTHING_TRIED)
    if body.period is not None:
        try:
            parsed_period(plan, body.period, "/period")
        except InvalidInput as error:
            faults += error.faults
    if body.organization_code is not None:
        faults += organization_faults(body.organization_code, plan)
    if faults:
        raise InvalidInput(faults=faults)
    balanced = (rule for one in body.balances for rule in rules_of_balance(one))
    return (
        *(standing(one) for one in body.rules),
        *(standing(one, "balance") for one in balanced),
    )


@router.get(
    "/plans/{plan}/check-results",
    responses={**answering("CheckResults"), **refusals(403, 404)},
)
async def list_check_results(
    actor: Reviewer,
    plan: PlanInScope,
    session: Reading,
    indicator_code: Annotated[
        str | None, Query(max_length=60, description="Of this indicator only")
    ] = None,
    organization_code: Annotated[
        str | None, Query(max_length=60, description="Of this organization only")
    ] = None,
    period: PeriodFilter = None,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> CheckResultsOut:
    """List the reported values that break checks and stand, newest first, to who reviews them.

    Drafts and returned ones are among them, with what would keep them from being handed in.
    """
    if period is not None:
        parsed_period(plan, period, "/query/period")
    filters = SubmissionFilters(indicator_code, organization_code, period)
    named = of_list(actor, "check-results", plan=plan.code, **dict(filters.conditions()))
    rows = await queries.page(
        await driver_connection(session),
        actor,
        plan_code=plan.code,
        filters=filters,
        after=after_id(page_token, named),
        limit=page_size + 1,
        checked=True,
    )
    check_codes(rows, plan, indicator_code=indicator_code, organization_code=organization_code)
    page, following = cut(rows, page_size, named, lambda one: [one["id"]])
    items = [check_result(row, plan, actor) for row in page]
    return CheckResultsOut.model_validate({"items": items, "next_page_token": following})
