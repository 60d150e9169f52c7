"""Which stage of a deadline is due on a day. Pure: no timers and no state.

`alerts.cutoffs` gives the same answer for a whole table of deadlines at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from services.core.alerts.rule_set import DeadlineRule, RuleSet, Stage
from services.core.calendars.rules import WorkingCalendar


@dataclass(frozen=True, slots=True)
class Step:
    """A stage at one of its repeats: 0 for the stage itself.

    `offset` is its distance from the due date in the rule's days; it orders the steps.
    """

    stage: str
    repeat: int
    offset: int
    level: int


def stage_day(due: date, stage: Stage, calendar: WorkingCalendar) -> date:
    """Return the day from which a stage is due.

    An early stage on a rest day moves to the working day before, a late one to the one after.
    """
    if stage.unit == "working":
        day = calendar.shifted(due, stage.offset)
    else:
        day = due + timedelta(days=stage.offset)
    return calendar.on_or_after(day) if stage.offset > 0 else calendar.on_or_before(day)


def step_day(due: date, rule: DeadlineRule, step: Step, calendar: WorkingCalendar) -> date:
    """Return the day from which a step of a rule is due."""
    if step.repeat:
        last = stage_day(due, rule.stages[-1], calendar)
        return calendar.shifted(last, step.repeat * (rule.repeat_every or 0))
    stage = next(each for each in rule.stages if each.code == step.stage)
    return stage_day(due, stage, calendar)


def step_of(rule: DeadlineRule, rules: RuleSet, index: int, repeat: int = 0) -> Step:
    """Return a step by the index of its stage."""
    stage = rule.stages[index]
    offset = stage.offset + repeat * (rule.repeat_every or 0)
    level = rules.level_of(offset) if rule.level is None else rule.level
    return Step(stage.code, repeat, offset, level)


def all_steps(rule: DeadlineRule, rules: RuleSet) -> Iterator[Step]:
    """Yield the steps of a rule in order; infinite if it repeats."""
    for index in range(len(rule.stages)):
        yield step_of(rule, rules, index)
    repeat = 0
    while rule.repeat_every is not None:
        repeat += 1
        yield step_of(rule, rules, len(rule.stages) - 1, repeat)
