"""Deadlines in the plan's document itself: publicity days, targets to be assigned. Pure."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.core.alerts.rule_set import RuleCode, TargetRule
from services.core.plan.document import PublicityDay
from services.core.plan.state import PlanState


@dataclass(frozen=True, slots=True)
class PlanDeadline:
    """A deadline; `epoch` distinguishes this year's from next year's."""

    subject_id: str
    epoch: int
    mark: date
    indicator_code: str | None
    label: str


def plan_deadlines(
    plan: PlanState, rule: RuleCode, target: TargetRule, today: date
) -> list[PlanDeadline]:
    """Return the deadlines of a rule that the document contains, as of a day.

    Publicity days count within the plan's span only: before and after it another plan has them.
    """
    if rule == "publicity_day":
        span, days = plan.document.span, plan.document.supervision.publicity_days
        coming = (_next(plan.code, day, today) for day in days)
        return [one for one in coming if span.start <= one.mark <= span.end]
    return list(_unassigned(plan, target)) if rule == "target_missing" else []


def _next(plan_code: str, day: PublicityDay, today: date) -> PlanDeadline:
    comes = _in_year(day, today.year)
    if comes < today:
        comes = _in_year(day, today.year + 1)
    name = f"{plan_code}/{day.month:02}-{day.day:02}"
    return PlanDeadline(name, comes.year, comes, None, day.name)


def _in_year(day: PublicityDay, year: int) -> date:
    return date(year, day.month, min(day.day, monthrange(year, day.month)[1]))


def _unassigned(plan: PlanState, rule: TargetRule) -> Iterator[PlanDeadline]:
    for indicator in plan.document.indicators:
        for target in indicator.targets:
            if target.kind != "assigned_by_superior":
                continue
            year = target.at_year(plan.period_calendar)
            if (indicator.code, year) not in plan.assigned:
                yield PlanDeadline(
                    f"{plan.code}/{indicator.code}/{year}",
                    year,
                    rule.due_date(plan.period_calendar.year(year)),
                    indicator.code,
                    str(year),
                )
