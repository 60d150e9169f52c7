"""Conditions and expressions on milestones in SQL: what a caller may see, and the light.

For this slice's queries, and for those of the slices above that read its tables.
"""

from datetime import date

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    true,
)

from services.core.extensions.models import Extension
from services.core.identity.actor import Actor
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.plan.document import Lights
from services.core.plan.models import IndicatorLead, MeasureUnit


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on milestones that keeps a caller to what is theirs.

    A reporter sees its unit's; a lead also all under the measures that its unit leads; the
    office and the leader all of the plan. The superior sees none: how a city drives its own
    units is not reported upwards.
    """
    conditions = [Milestone.city_code == actor.city_code]
    if actor.plan_code is not None:
        conditions.append(Milestone.plan_code == actor.plan_code)
    return and_(*conditions, _of_role(actor))


def _of_role(actor: Actor) -> ColumnElement[bool]:
    if sees_all(actor):
        return true()
    if actor.role not in {"reporter", "lead", "integrator"} or actor.organization_code is None:
        return false()
    own = Milestone.organization_code == actor.organization_code
    if actor.role == "reporter":
        return own
    led = exists().where(
        MeasureUnit.city_code == Milestone.city_code,
        MeasureUnit.plan_code == Milestone.plan_code,
        MeasureUnit.measure_code == Milestone.measure_code,
        MeasureUnit.organization_code == actor.organization_code,
        MeasureUnit.part == "lead",
    )
    return or_(own, led)


def sees_all(actor: Actor) -> bool:
    """Return whether the actor sees every milestone of the plan."""
    if actor.role == "integrator":
        return actor.organization_code is None
    return actor.role in {"office", "leader"}


def extensions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on extensions: who sees what one is for sees the extension.

    For an obligation that is its unit, who leads its indicator, the office and the leader.
    """
    conditions = [Extension.city_code == actor.city_code]
    if actor.plan_code is not None:
        conditions.append(Extension.plan_code == actor.plan_code)
    if sees_all(actor):
        return and_(*conditions)
    of_milestone = and_(
        Extension.subject_kind == "milestone",
        exists().where(Milestone.id == Extension.subject_id, visible_to(actor)),
    )
    return and_(*conditions, or_(of_milestone, _of_obligation(actor)))


def _of_obligation(actor: Actor) -> ColumnElement[bool]:
    if actor.role not in {"reporter", "lead", "integrator"} or actor.organization_code is None:
        return false()
    own = Extension.organization_code == actor.organization_code
    if actor.role != "reporter":
        led = exists().where(
            Obligation.city_code == Extension.city_code,
            Obligation.id == Extension.subject_id,
            IndicatorLead.city_code == Obligation.city_code,
            IndicatorLead.plan_code == Obligation.plan_code,
            IndicatorLead.indicator_code == Obligation.indicator_code,
            IndicatorLead.organization_code == actor.organization_code,
        )
        own = or_(own, led)
    return and_(Extension.subject_kind == "obligation", own)


def light_on(today: date, time_zone: str, lights: Lights) -> ColumnElement[str]:
    """Return the light of a milestone on a day, as `lights.light` tells it, for sums in SQL."""
    began = cast(func.timezone(time_zone, Milestone.created_at), Date)
    handed_in = cast(func.timezone(time_zone, Milestone.completed_at), Date)
    whole, gone = Milestone.due_date - began, literal(today, Date) - began
    done, expected = Milestone.percent * whole, gone * 100
    timed = and_(whole > 0, gone > 0)
    return case(
        (Milestone.state == "cancelled", "grey"),
        (Milestone.state == "closed", case((Milestone.grade == "fail", "red"), else_="green")),
        (
            Milestone.state == "completed",
            case((handed_in > Milestone.due_date, "yellow"), else_="green"),
        ),
        (Milestone.due_date < today, "red"),
        (Milestone.state.in_(("declined", "returned")), "yellow"),
        (
            Milestone.state == "assigned",
            case((Milestone.sign_by < today, "yellow"), else_="grey"),
        ),
        (and_(timed, done < expected * lights.yellow_pace, gone * 2 > whole), "red"),
        (Milestone.expected_date > Milestone.due_date, "yellow"),
        (and_(timed, done < expected * lights.green_pace), "yellow"),
        else_="green",
    )


def overdue_on(today: date) -> ColumnElement[bool]:
    """Return the condition that a milestone was not handed in by its due date."""
    return and_(
        Milestone.state.not_in(("closed", "cancelled", "completed")), Milestone.due_date < today
    )
