"""Snapshot of a plan, read once and queried often. Pure, and shared by all requests."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.checks_in_force import StandingChecks, standing_checks
from services.core.plan.document import (
    Indicator,
    Measure,
    OrganizationEntry,
    PlanDocument,
    Plausible,
    Task,
)
from services.core.plan.errors import TaskAmbiguous, TaskNotFound
from services.core.plan.leads import leads_of, reporters_of
from services.core.plan.members import Frequency
from services.core.plan.models import AssignedTarget, PlanPeriod, Settlement
from services.core.plan.observing import ObservationSource, Tolerance
from services.core.plan.periods import Period, PeriodCalendar
from services.core.plan.plausibility import plausible_ranges
from services.core.plan.register_entries import Register
from services.core.plan.sheet_entries import ScoreSheet

REGISTER_SOURCE = "register:"
"""Prefix of a register's code that makes it the code of a source of figures."""


@dataclass(frozen=True)
class PlanState:
    """Snapshot of a plan: its document, its version, and the decisions beside it.

    `assigned` holds every assignment, oldest first, by (indicator code, year); `periods` the
    periods that were ever opened, by code; `settlements` the decided questions, by id;
    `past_owners` the units that reported an indicator in an earlier version and no longer do, each
    with the local date of the version that ended it; `past_units` the former units of measure of
    an indicator, oldest first, each with the instant of its end; `past_cycles` its former
    frequencies, each with the local date of the version that ended it.
    """

    city_code: str
    code: str
    version: int
    document: PlanDocument
    assigned: Mapping[tuple[str, int], tuple[AssignedTarget, ...]]
    settlements: Mapping[str, Settlement]
    periods: Mapping[str, PlanPeriod]
    past_owners: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    past_units: Mapping[str, Sequence[tuple[datetime, str]]] = field(default_factory=dict)
    past_cycles: Mapping[str, Sequence[tuple[date, Frequency]]] = field(default_factory=dict)

    @cached_property
    def indicators(self) -> Mapping[str, Indicator]:
        """Return the indicators by code, in the document's order."""
        return {indicator.code: indicator for indicator in self.document.indicators}

    @cached_property
    def organizations(self) -> Mapping[str, OrganizationEntry]:
        """Return the organizations of the document, by code."""
        return {entry.code: entry for entry in self.document.organizations}

    @cached_property
    def measures(self) -> Mapping[str, Measure]:
        """Return the measures of all tasks by code, in the document's order."""
        return {measure.code: measure for task in self.document.tasks for measure in task.measures}

    @cached_property
    def plausible(self) -> Mapping[str, Plausible]:
        """Return the plausible range of figures by indicator; absent: any value is plausible."""
        return plausible_ranges(self.document)

    @cached_property
    def checks(self) -> StandingChecks:
        """Return the checks by the figures that trigger them."""
        return standing_checks(self.document)

    @cached_property
    def sources(self) -> Mapping[str, ObservationSource]:
        """Return the other sources of figures by code, in the document's order."""
        return {one.code: one for one in self.document.observations.sources}

    @cached_property
    def registers(self) -> Mapping[str, Register]:
        """Return the registers by code, in the document's order."""
        return {one.code: one for one in self.document.registers}

    @cached_property
    def sheets(self) -> Mapping[str, ScoreSheet]:
        """Return the score sheets by code, in the document's order."""
        return {one.code: one for one in self.document.score_sheets}

    def source_name(self, code: str) -> str:
        """Return the name of a source of figures: a source of the plan, or one of its registers."""
        found = self.sources.get(code)
        if found is not None:
            return found.name
        register = self.registers.get(code.removeprefix(REGISTER_SOURCE))
        return code if register is None else f"台账：{register.name}"

    def tolerance(self, indicator_code: str) -> Tolerance:
        """Return how far two figures of an indicator may differ and still agree."""
        indicator = self.indicators.get(indicator_code)
        own = None if indicator is None else indicator.tolerance
        return self.document.observations.tolerance if own is None else own

    @cached_property
    def leads(self) -> Mapping[str, tuple[str, ...]]:
        """Return the units accountable for each indicator."""
        return {code: leads_of(indicator) for code, indicator in self.indicators.items()}

    @cached_property
    def sole_reporters(self) -> Mapping[str, OrganizationEntry | None]:
        """Return the one unit whose value is the city's, for indicators that have exactly one."""
        return {
            code: next((self.organizations[unit] for unit in reporters), None)
            for code, indicator in self.indicators.items()
            if indicator.aggregation.units == "direct"
            for reporters in [reporters_of(indicator, self.organizations)]
        }

    @cached_property
    def sharing_reporters(self) -> Mapping[str, Container[str]]:
        """Return the units that contribute to each indicator that several units report.

        If an owner alone gathers what others report, the plan does not name those: then any unit's
        value counts.
        """
        several = {
            code: frozenset(reporters_of(indicator, self.organizations))
            for code, indicator in self.indicators.items()
            if indicator.aggregation.units != "direct"
        }
        return {
            code: units if len(units) > 1 else self.organizations for code, units in several.items()
        }

    @property
    def period_calendar(self) -> PeriodCalendar:
        """The calendar that maps the codes of the plan's periods to days."""
        return self.document.period_calendar

    def period_state(self, period: str) -> str:
        """Return the state of a period: `planned` if it was never opened."""
        found = self.periods.get(period)
        return found.state if found else "planned"

    def task(self, number: int, section: str | None) -> Task:
        """Return the task with this number; `section` is its heading's number, or the heading.

        Raises:
            TaskNotFound: there is none.
            TaskAmbiguous: several sections have one, and no section is given.
        """
        found = [
            task
            for task in self.document.tasks
            if task.number == number
            and (section is None or section in {task.section_number, task.section})
        ]
        if not found:
            raise TaskNotFound
        if len(found) > 1:
            sections = "、".join(task.section_number or task.section for task in found)
            detail = Text(f"请用 section 写明：{sections}", f"Name the section: {sections}")
            raise TaskAmbiguous(faults=[Fault("/query/section", "section-required", detail)])
        return found[0]

    def organization_name(self, code: str) -> str:
        """Return the name of an organization, or its code if the document no longer has it."""
        found = self.organizations.get(code)
        return code if found is None else found.name

    def indicator_name(self, code: str) -> str:
        """Return the name of an indicator, or its code if the document no longer has it."""
        found = self.indicators.get(code)
        return code if found is None else found.name

    def unit_at(self, indicator_code: str, instant: datetime) -> str | None:
        """Return the unit of measure of an indicator at an instant; None: the plan dropped it."""
        found = self.indicators.get(indicator_code)
        if found is None:
            return None
        ceased = self.past_units.get(indicator_code, ())
        return next((unit for until, unit in ceased if instant < until), found.unit)

    def cycle(self, indicator: Indicator, period: Period) -> Frequency:
        """Return how often an indicator is reported in the year of a period.

        A year that has ended keeps the frequency with which it ended, whatever later versions say.
        """
        ceased = self.past_cycles.get(indicator.code)
        if not ceased:
            return indicator.frequency
        last = self.period_calendar.year(period.in_year).last_day
        return next((said for until, said in ceased if until > last), indicator.frequency)

    def local_date(self, instant: datetime) -> date:
        """Return the date of an instant in the plan's time zone."""
        return instant.astimezone(ZoneInfo(self.document.time_zone)).date()

    def is_over(self, period: str) -> bool:
        """Return whether a period is closed or published: then it is judged as of its end."""
        opened = self.periods.get(period)
        return opened is not None and opened.state in {"closed", "published"}

    def due_date(self, period: str) -> date | None:
        """Return the due date of the values of an opened period."""
        opened = self.periods.get(period)
        return opened.due_date if opened else None
