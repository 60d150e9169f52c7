"""For each step of a rule, the latest due date for which that step is due today.

A later due date never makes a step come earlier, so one date a step is enough: a whole table of
deadlines is compared with a short list of dates in SQL. The dates come from the functions that
say which step is due for one deadline (`alerts.stages`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from services.core.alerts.rule_set import DeadlineRule, RuleSet, Stage
from services.core.alerts.stages import Step, all_steps, stage_day
from services.core.calendars.rules import WorkingCalendar

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """The steps of a rule in order, and for each the latest mark for which it is due.

    If a later step is due the earlier ones count as due too, so the dates never ascend: the step
    that is due for a mark is the last one whose date is not before the mark.
    """

    steps: tuple[Step, ...]
    latest: tuple[date, ...]

    def due(self, mark: date) -> Step | None:
        """Return the most severe step that is due for a mark."""
        count = sum(mark <= latest for latest in self.latest)
        return self.steps[count - 1] if count else None


def cutoffs(
    rule: DeadlineRule,
    rules: RuleSet,
    calendar: WorkingCalendar,
    today: date,
    *,
    since: date,
    lead: int = 0,
) -> Cutoffs:
    """Return the cut-offs of a rule on `today`, for marks from `since` on.

    A subject is due `lead` working days after its mark; 0: the mark is the due date.
    """
    steps: list[Step] = []
    latest: list[date] = []
    # Each search starts from the previous step: repeats are a few days apart, and a search from
    # today would get longer with each of them.
    near, limit, every = today, today, rule.repeat_every or 0
    for step in all_steps(rule, rules):
        stage = rule.stages[min(len(steps), len(rule.stages) - 1)]
        if step.repeat and stage.unit == "working" and stage.offset > 0:
            # Everything is in working days here, so no search is needed.
            near = _worked_through(calendar, near, every)
        else:
            limit = _worked_through(calendar, limit, every) if step.repeat else limit
            near = latest_day(partial(_is_due, stage, calendar, lead, limit), near)
        if step.repeat and near < since:
            break
        steps.append(step)
        latest.append(near)
    return Cutoffs(tuple(steps), _never_ascending(latest))


def _is_due(stage: Stage, calendar: WorkingCalendar, lead: int, limit: date, mark: date) -> bool:
    return stage_day(calendar.shifted(mark, lead), stage, calendar) <= limit


def _worked_through(calendar: WorkingCalendar, today: date, days: int) -> date:
    """Return the latest day since which this many working days have passed by `today`."""
    return calendar.shifted(today + _ONE_DAY, -days) - _ONE_DAY


def latest_day(holds: Callable[[date], bool], near: date) -> date:
    """Return the latest day for which a predicate holds that holds for every earlier day."""
    # Exponential and binary search: each test counts working days, and a linear walk over months
    # would need hundreds of tests.
    reach = _ONE_DAY
    low = high = near
    if holds(near):
        while holds(high := low + reach):
            low, reach = high, reach * 2
    else:
        while not holds(low := high - reach):
            high, reach = low, reach * 2
    while (gap := (high - low) // 2) >= _ONE_DAY:
        middle = low + gap
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _never_ascending(latest: list[date]) -> tuple[date, ...]:
    # A mark for which a late step is due counts as due for every earlier step as well.
    kept: list[date] = []
    for day in reversed(latest):
        kept.append(max(day, kept[-1]) if kept else day)
    return tuple(reversed(kept))
