"""A milestone as of a day: its light, and the days to its due date. Pure."""

from datetime import date

from services.core.calendars.rules import WorkingCalendar
from services.core.milestones.lights import Course, DueDistance, LightVerdict, light
from services.core.milestones.models import Milestone
from services.core.plan.state import PlanState


def course_of(row: Milestone, plan: PlanState) -> Course:
    """Return the input of a milestone's light."""
    completed = row.completed_at
    return Course(
        state=row.state,  # type: ignore[arg-type] # only states of ours are ever written
        percent=row.percent,
        began=plan.local_date(row.created_at),
        due_date=row.due_date,
        expected_date=row.expected_date,
        sign_by=row.sign_by,
        answer_by=row.answer_by,
        completed_on=None if completed is None else plan.local_date(completed),
        grade=row.grade,  # type: ignore[arg-type] # only grades of ours are ever written
    )


class PlanToday:
    """A day of a plan by its calendar; distances are cached by due date."""

    def __init__(self, plan: PlanState, calendar: WorkingCalendar, today: date) -> None:
        self.plan = plan
        self.calendar = calendar
        self.today = today
        self._distances: dict[date, DueDistance] = {}

    def distance(self, due_date: date) -> DueDistance:
        """Return the distance to a due date."""
        if due_date not in self._distances:
            self._distances[due_date] = DueDistance.between(self.today, due_date, self.calendar)
        return self._distances[due_date]

    def light(self, row: Milestone) -> LightVerdict:
        """Return a milestone's light on this day, with its reason."""
        rules = self.plan.document.scheme.lights
        return light(course_of(row, self.plan), self.today, rules, self.distance(row.due_date))
