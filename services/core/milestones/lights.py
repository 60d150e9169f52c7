"""The light of a milestone on a day, with the code of its reason. The texts are in `reasons`.

`queries` computes the same in SQL for sums over many milestones; a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from services.core.calendars.rules import WorkingCalendar
from services.core.kit.decimals import display, quotient, times
from services.core.milestones.rules import FULL, ClosureGrade, MilestoneState
from services.core.plan.document import Lights
from services.core.scoring.lights import Light


@dataclass(frozen=True, slots=True)
class Course:
    """The input of a light; days are local dates. `began` is the day it was assigned."""

    state: MilestoneState
    percent: Decimal
    began: date
    due_date: date
    expected_date: date | None
    sign_by: date | None
    answer_by: date | None
    completed_on: date | None
    grade: ClosureGrade | None


@dataclass(frozen=True, slots=True)
class LightVerdict:
    """A light, the code of its reason, and the values for the reason's placeholders."""

    light: Light
    reason: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DueDistance:
    """Working days between today and a due date: days left, or days overdue.

    On the due date itself 0 days are left and it is not overdue: it ends at 24:00.
    """

    overdue: bool
    left: int
    late: int

    @classmethod
    def between(cls, today: date, due_date: date, calendar: WorkingCalendar) -> "DueDistance":
        """Return the distance from `today` to a due date."""
        if today > due_date:
            return cls(overdue=True, left=0, late=calendar.between(due_date, today))
        return cls(overdue=False, left=calendar.between(today, due_date), late=0)


def light(course: Course, today: date, rules: Lights, distance: DueDistance) -> LightVerdict:
    """Return the light of a milestone; `distance` is from `today` to its due date."""
    if course.state in {"cancelled", "closed"}:
        return _done(course)
    if course.state == "completed":
        return _handed_in(course)
    if distance.overdue:
        return LightVerdict(
            "red",
            "overdue",
            {
                "days": str((today - course.due_date).days),
                "working_days": str(distance.late),
                "due": course.due_date.isoformat(),
            },
        )
    if course.state in {"assigned", "declined", "returned"}:
        return _waiting(course, today)
    return _on_the_way(course, today, rules)


def _done(course: Course) -> LightVerdict:
    if course.state == "cancelled":
        return LightVerdict("grey", "cancelled")
    if course.grade == "fail":
        return LightVerdict("red", "closed_failed")
    return LightVerdict(
        "green", "closed_late" if _was_late(course) else "closed", _handed_in_on(course)
    )


def _handed_in(course: Course) -> LightVerdict:
    if _was_late(course):
        return LightVerdict("yellow", "completed_late", _handed_in_on(course))
    return LightVerdict("green", "completed", _handed_in_on(course))


def _was_late(course: Course) -> bool:
    return course.completed_on is not None and course.completed_on > course.due_date


def _handed_in_on(course: Course) -> dict[str, str]:
    completed = "" if course.completed_on is None else course.completed_on.isoformat()
    return {"completed": completed, "due": course.due_date.isoformat()}


def _waiting(course: Course, today: date) -> LightVerdict:
    if course.state == "declined":
        return LightVerdict("yellow", "declined")
    if course.state == "returned":
        by = "—" if course.answer_by is None else course.answer_by.isoformat()
        return LightVerdict("yellow", "returned", {"answer_by": by})
    if course.sign_by is None:
        return LightVerdict("grey", "not_signed")
    details = {"sign_by": course.sign_by.isoformat()}
    if today > course.sign_by:
        return LightVerdict("yellow", "sign_overdue", details)
    return LightVerdict("grey", "to_sign", details)


def _on_the_way(course: Course, today: date, rules: Lights) -> LightVerdict:
    """Compare the percentage with the share of time elapsed, exactly.

    Below the yellow pace it is red only in the second half of its time: before that the delay can
    still be made up, and a short milestone is not red on its second day.
    """
    # Calendar days, because this is a share of time; `distance` counts working days, because those
    # are for deadlines.
    whole, gone = (course.due_date - course.began).days, (today - course.began).days
    elapsed = quotient(Decimal(gone), Decimal(whole)) * FULL if whole > 0 else Decimal(0)
    details = {
        "percent": display(course.percent, most=(Decimal(0),), least=(FULL,)),
        "elapsed": display(elapsed, most=(Decimal(0),), least=(FULL,)),
        "due": course.due_date.isoformat(),
    }
    timed = whole > 0
    if timed and _lags(course.percent, whole, gone, rules.yellow_pace) and gone * 2 > whole:
        return LightVerdict("red", "far_behind", details)
    if course.expected_date is not None and course.expected_date > course.due_date:
        expected = {"expected": course.expected_date.isoformat()}
        return LightVerdict("yellow", "expected_late", details | expected)
    if timed and _lags(course.percent, whole, gone, rules.green_pace):
        return LightVerdict("yellow", "behind", details)
    return LightVerdict("green", "on_course", details)


def _lags(percent: Decimal, whole: int, gone: int, pace: Decimal) -> bool:
    """Return whether percent ÷ elapsed share is below a pace, by cross-multiplication."""
    return times(percent, Decimal(whole)) < times(times(FULL, Decimal(gone)), pace)
