"""The input of every decision of an evaluation: plan, rules, working calendar, time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from zoneinfo import ZoneInfo

from services.core.alerts.cutoffs import Cutoffs, cutoffs
from services.core.alerts.escalation import Moment
from services.core.alerts.rule_set import DeadlineRule, EscalationColour, RuleCode, RuleSet
from services.core.alerts.sources import Source
from services.core.calendars.rules import WorkingCalendar
from services.core.plan.leads import leading, leads_of
from services.core.plan.state import PlanState


@dataclass(frozen=True)
class EvaluationContext:
    """The constant input of all decisions of one evaluation.

    `first`: the plan was never evaluated before, so everything overdue is new at once.
    """

    plan: PlanState
    rules: RuleSet
    rules_version: int
    calendar: WorkingCalendar
    moment: Moment
    first: bool

    @classmethod
    def of(
        cls,
        plan: PlanState,
        rules: tuple[RuleSet, int],
        calendar: WorkingCalendar,
        now: datetime,
        *,
        first: bool,
    ) -> "EvaluationContext":
        """Return the context of an evaluation at an instant."""
        moment = Moment.of(now, plan.document.time_zone, rules[0].window, calendar)
        return cls(plan, rules[0], rules[1], calendar, moment, first)

    def rule(self, code: RuleCode) -> DeadlineRule:
        """Return the rule of a source."""
        found: DeadlineRule = getattr(self.rules.rules, code)
        return found

    def told_from(self, day: date, level: int) -> datetime:
        """Return when a notice of a day may be sent: the top level ignores delivery hours."""
        waits = level < self.rules.top_level
        opens = time.fromisoformat(self.rules.window.opens) if waits else time.min
        return datetime.combine(day, opens, ZoneInfo(self.plan.document.time_zone))

    def lead(self, source: Source) -> int:
        """Return how many working days after its mark a subject of a source is due."""
        return source.lead(self.plan.document.supervision)

    def due_date(self, source: Source, mark: date) -> date:
        """Return the due date that follows from a mark."""
        return self.calendar.shifted(mark, self.lead(source))

    def cutoffs(self, source: Source) -> Cutoffs:
        """Return for each step of a source's rule the latest mark for which it is due.

        A disabled rule has no steps.
        """
        rule = self.rule(source.rule)
        if not rule.enabled:
            return Cutoffs((), ())
        return cutoffs(
            rule,
            self.rules,
            self.calendar,
            self.moment.today,
            since=self.plan.document.span.start,
            lead=self.lead(source),
        )

    def colour(self, level: int) -> EscalationColour | None:
        """Return the colour of a level."""
        return self.rules.ladder[level].colour

    def lead_unit(self, measure_code: str | None, indicator_code: str | None) -> str | None:
        """Return the first unit that leads a measure, or an indicator."""
        if measure_code is not None:
            return self._measure_leads.get(measure_code)
        return self._indicator_leads.get(indicator_code or "")

    def leads(self) -> Mapping[str, str]:
        """Return the first lead of each `measure:…` and `indicator:…`, by that key."""
        return {
            **{f"measure:{code}": unit for code, unit in self._measure_leads.items()},
            **{f"indicator:{code}": unit for code, unit in self._indicator_leads.items()},
        }

    def addressee(
        self,
        source: Source,
        unit: str | None,
        measure_code: str | None,
        indicator_code: str | None,
    ) -> str:
        """Return the organization that a notice is addressed to; by default the office."""
        if source.addressee == "unit" and unit is not None:
            return unit
        if source.addressee == "reviewer":
            lead = self.lead_unit(measure_code, indicator_code)
            if lead is not None and lead != unit:
                return lead
        return self.rules.office

    def name_of(self, organization_code: str | None) -> str:
        """Return the name of an organization, or its code if the plan does not have it."""
        entry = self.plan.organizations.get(organization_code or "")
        return entry.name if entry else organization_code or ""

    def title_of(self, label: str, measure_code: str | None, indicator_code: str | None) -> str:
        """Return a subject's title: its own label, or its indicator and period.

        An indicator that the plan has since dropped is shown by its code.
        """
        if measure_code is not None or indicator_code is None:
            return label
        return f"{self.plan.indicator_name(indicator_code)} {label}"

    @cached_property
    def _measure_leads(self) -> Mapping[str, str]:
        return {
            measure.code: leading(measure, self.plan.organizations)[0]
            for task in self.plan.document.tasks
            for measure in task.measures
        }

    @cached_property
    def _indicator_leads(self) -> Mapping[str, str]:
        return {
            indicator.code: leads[0]
            for indicator in self.plan.document.indicators
            if (leads := leads_of(indicator))
        }
