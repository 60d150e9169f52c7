"""SQL expressions on milestones: their owner and their light.

This slice's queries use them, and those of the slices above that read its tables.
"""

from datetime import date

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    case,
    cast,
    func,
    literal,
)

from services.core.milestones.models import Milestone
from services.core.plan.document import Lights
from services.core.plan.visibility import Owned

MILESTONES = Owned(
    city="milestone.city_code",
    plan="milestone.plan_code",
    unit="milestone.organization_code",
    measure="milestone.measure_code",
)
"""The owners of a milestone. It never counts as approved, because how a city supervises its own
units is not reported upwards."""

_OF_MILESTONE = """(SELECT subject.{column} FROM milestone AS subject
    WHERE extension.subject_kind = 'milestone' AND subject.city_code = :scope_city
        AND subject.id = extension.subject_id)"""
_OF_OBLIGATION = """(SELECT subject.{column} FROM obligation AS subject
    WHERE extension.subject_kind = 'obligation' AND subject.city_code = :scope_city
        AND subject.id = extension.subject_id)"""

EXTENSIONS = Owned(
    city="extension.city_code",
    plan="extension.plan_code",
    unit=_OF_MILESTONE.format(column="organization_code"),
    second_unit=_OF_OBLIGATION.format(column="organization_code"),
    indicator=_OF_OBLIGATION.format(column="indicator_code"),
    measure=_OF_MILESTONE.format(column="measure_code"),
)
"""The owners of an extension: those of its subject. Whoever sees the one sees the other."""


def light_on(today: date, time_zone: str, lights: Lights) -> ColumnElement[str]:
    """Return SQL for a milestone's light on a day, for sums, by the rules of `lights.light`."""
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
