"""Routes of a plan's alert rules: read, change, try."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Response

from services.api.alerts.schemas import (
    AlertRulesOut,
    CheckedDryRun,
    CheckedRules,
    DryRunIn,
    DryRunOut,
    TriedCountOut,
    tried_out,
)
from services.api.answers import json_answer
from services.api.context import (
    IfMatch,
    IfNoneMatch,
    PlanInScope,
    Reading,
    ResourcesDep,
    Writing,
    check_match,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.deferred_faults import DeferredFaults
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.alerts import queries, service
from services.core.alerts.dry_run import instant_faults
from services.core.alerts.following import dry_run_plan
from services.core.alerts.models import AlertRules
from services.core.alerts.rule_set import Post, RuleSet, default_rules, reference_faults
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.faults import faults_of
from services.core.plan.state import PlanState

router = versioned_router("alerts")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_ALERTS))]
Changer = Annotated[Actor, Depends(permitted(Permission.CHANGE_ALERT_RULES))]

_TRIED = DryRunIn.model_fields
_MOST_LISTED = 500


def _out(plan: PlanState, stored: AlertRules | None) -> AlertRulesOut:
    if stored is None:
        return AlertRulesOut(
            plan=plan.code,
            version=0,
            changed_at=None,
            changed_by=None,
            rule_set=default_rules(plan.document).model_dump(mode="json"),
        )
    return AlertRulesOut(
        plan=plan.code,
        version=stored.version,
        changed_at=stored.changed_at,
        changed_by=stored.changed_by,
        rule_set=stored.rule_set,
    )


def _faults_in(rules: RuleSet | DeferredFaults, plan: PlanState) -> list[Fault]:
    """Return every fault of a set of rules, of shape and of reference."""
    if not isinstance(rules, DeferredFaults):
        return reference_faults(rules.office, rules.posts, plan)
    office = rules.members.get("office")
    posts = [Post.model_validate(post) for post in rules.members.get("posts", ())]
    return [*faults_of(rules.errors), *reference_faults(office, posts, plan)]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise InvalidInput(faults=faults)


def _etag(plan: PlanState, version: int) -> str:
    return f'"alert-rules.{plan.code}.{version}.{plan.version if version == 0 else 0}"'


@router.get(
    "/plans/{plan}/alert-rules",
    responses={**answering("AlertRules", ETAG), **refusals(403, 404)},
    response_model=AlertRulesOut,
)
async def get_alert_rules(
    actor: Reader, plan: PlanInScope, session: Reading, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the alert rules in force; until somebody changes them, the defaults."""
    del actor
    stored = await queries.rules_in_force(session, plan.city_code, plan.code)
    body = _out(plan, stored).model_dump_json().encode()
    etag = _etag(plan, stored.version if stored else 0)
    return json_answer(body, etag=etag, if_none_match=if_none_match)


@router.put(
    "/plans/{plan}/alert-rules",
    responses={**answering("AlertRulesChanged", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra=asking("AlertRuleSet"),
    response_model=AlertRulesOut,
)
async def change_alert_rules(
    body: CheckedRules,
    actor: Changer,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
    if_match: IfMatch = None,
) -> Response:
    """Put other rules in force, whole. `If-Match` is required; earlier versions stay readable.

    What was told stays told: a change of rules repeats nothing.
    """
    _refuse(_faults_in(body, plan))
    await queries.lock_rules(session, plan)
    stored = await queries.rules_in_force(session, plan.city_code, plan.code)
    version = stored.version if stored else 0
    check_match(
        if_match, _etag(plan, version), required=True, current=_out(plan, stored).model_dump()
    )
    changed = await service.change_rules(
        session, plan=plan, rules=body, version=version, actor=actor, now=resources.clock.now()
    )
    answer = _out(plan, changed).model_dump_json().encode()
    return json_answer(answer, etag=_etag(plan, changed.version))


@router.post(
    "/plans/{plan}/alert-rules/dry-run",
    responses={**answering("AlertTried"), **refusals(403, 404, 412)},
    openapi_extra=asking("AlertTrial", required=False),
)
async def try_alert_rules(
    body: CheckedDryRun,
    actor: Changer,
    plan: PlanInScope,
    session: Writing,
    resources: ResourcesDep,
    if_match: IfMatch = None,
) -> DryRunOut:
    """Say what an evaluation would tell now, or at another instant, and do nothing of it.

    `If-Match` names the rules in force that the trial is to be compared with.
    """
    del actor
    _refuse(_trial_faults(body, plan))
    if if_match is not None:
        stored = await queries.rules_in_force(session, plan.city_code, plan.code)
        etag = _etag(plan, stored.version if stored else 0)
        check_match(if_match, etag, required=False, current=_out(plan, stored).model_dump())
    at = body.at or resources.clock.now()
    found = await dry_run_plan(session, plan, at, rules=body.rule_set, most=_MOST_LISTED)
    return DryRunOut(
        at=at,
        told=found.notified,
        withheld=found.suppressed,
        resolved=found.resolved,
        digests=len(found.digests),
        counts=[
            TriedCountOut(rule=rule, stage=stage, level=level, outcome=outcome, count=count)
            for (rule, stage, level, outcome), count in sorted(found.counts.items())
        ],
        notices=[tried_out(one) for one in found.listed],
    )


def _trial_faults(body: DryRunIn | DeferredFaults, plan: PlanState) -> list[Fault]:
    """Return every fault of a trial, of shape, of reference and of its instant."""
    shape: list[Fault] = []
    if isinstance(body, DeferredFaults):
        shape = faults_of(body.errors)
        right = {name: body.members[name] for name in body.members if name in _TRIED}
        body = DryRunIn.model_validate(right)
    rules = [] if body.rule_set is None else _faults_in(body.rule_set, plan)
    return [
        *shape,
        *(replace(fault, pointer=f"/rule_set{fault.pointer}") for fault in rules),
        *([] if body.at is None else instant_faults(plan, body.at)),
    ]
