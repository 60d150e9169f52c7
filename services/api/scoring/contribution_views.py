"""Renders a unit's contributions to an indicator, and decides whose contributions are visible."""

from services.api.scoring.schemas import ContributionOut
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.decimals import plain_or_none
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_every
from services.core.scoring.counting import Contribution


def unit_in_scope(actor: Actor, plan: PlanState, drawn_by: PlanState, code: str) -> str | None:
    """Return the only unit whose contributions the caller sees; None: those of all units.

    As with submissions; `""` matches no unit. An indicator that the plan dropped is led by its
    leads in the plan version that its score was drawn by.
    """
    if not actor.may(Permission.READ_SUBMISSIONS):
        return ""
    led_by = plan if code in plan.indicators else drawn_by
    everybodys = sees_every(
        actor,
        city_code=plan.city_code,
        plan_code=plan.code,
        leads=led_by.leads.get(code, ()),
        approved=True,  # values under review were refused before (`check_basis`)
    )
    if everybodys:
        return None
    return actor.organization_code or ""


def contribution_out(one: Contribution) -> ContributionOut:
    """Return a value that counted."""
    return ContributionOut(
        submission_id=one.submission_id,
        revision=one.revision,
        organization_code=one.organization_code,
        period=one.period,
        value=plain_or_none(one.value),
        numerator=plain_or_none(one.numerator),
        denominator=plain_or_none(one.denominator),
        level=one.level,
        not_applicable_reason=one.not_applicable_reason,
        provisional=one.provisional,
        falsified=one.falsified,
    )
