"""The context of every action: who acts, under which plan and calendar, and when. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from services.core.calendars.rules import WorkingCalendar
from services.core.identity.actor import Actor
from services.core.plan.document import Supervision
from services.core.plan.leads import leading, units_of
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class MilestoneDesk:
    """The context of an action: the actor, the plan and the instant."""

    plan: PlanState
    calendar: WorkingCalendar
    actor: Actor
    now: datetime

    @property
    def today(self) -> date:
        """The local date of the plan."""
        return self.plan.local_date(self.now)

    @property
    def supervision(self) -> Supervision:
        """The plan's rules of deadlines and supervision."""
        return self.plan.document.supervision

    def in_working_days(self, number: int) -> date:
        """Return the n-th working day from today."""
        return self.calendar.shifted(self.today, number)

    def leads(self, measure_code: str) -> tuple[str, ...]:
        """Return the units accountable for a measure; none if a later version dropped it."""
        measure = self.plan.measures.get(measure_code)
        return () if measure is None else leading(measure, self.plan.organizations)

    def parts(self, measure_code: str) -> dict[str, str]:
        """Return each unit's part in a measure: `lead` or `responsible`."""
        measure = self.plan.measures.get(measure_code)
        return {} if measure is None else dict(units_of(measure, self.plan.organizations))
