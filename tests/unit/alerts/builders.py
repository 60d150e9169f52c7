"""Calendars and rules for the tests of alerts, with defaults for what is not the point."""

from datetime import date, timedelta
from typing import Any

import chinese_calendar

from services.core.alerts.rule_set import DeadlineRule, RuleSet, default_rules
from services.core.alerts.stages import Step, stage_day, step_of
from services.core.calendars.rules import WorkingCalendar
from tests.unit.scoring.builders import a_document


def china(*years: int) -> WorkingCalendar:
    """China's working days of the announced years, as a maintained library knows them."""
    announced = years or (2025, 2026)
    days = {
        day: chinese_calendar.is_workday(day)
        for year in announced
        for day in (date(year, 1, 1) + timedelta(days=number) for number in range(366))
        if day.year == year and chinese_calendar.is_workday(day) is not (day.weekday() < 5)
    }
    return WorkingCalendar("CN", 1, frozenset(announced), days)


def a_rule_set(**changes: Any) -> RuleSet:
    """The default rules with some members replaced."""
    return RuleSet.model_validate({**default_rules(a_document()).model_dump(), **changes})


def a_rule(
    *offsets: int, unit: str = "working", repeat_every: int | None = None, level: int | None = None
) -> DeadlineRule:
    return DeadlineRule.model_validate(
        {
            "enabled": True,
            "stages": [{"offset": offset, "unit": unit} for offset in offsets],
            "repeat_every": repeat_every,
            "level": level,
        }
    )


def step_due(
    due: date, rule: DeadlineRule, rules: RuleSet, calendar: WorkingCalendar, today: date
) -> Step | None:
    """Return the most severe step that is due on `today`; None: none is yet."""
    for index in reversed(range(len(rule.stages))):
        day = stage_day(due, rule.stages[index], calendar)
        if day <= today:
            last = index == len(rule.stages) - 1
            repeat = 0
            if last and rule.repeat_every is not None:
                repeat = calendar.between(day, today) // rule.repeat_every
            return step_of(rule, rules, index, repeat)
    return None
