"""Which stage is due on a day, by China's real working days of 2026."""

from datetime import date

import pytest

from services.core.alerts.rule_set import Stage
from services.core.alerts.stages import Step, stage_day, step_day
from tests.unit.alerts.builders import a_rule, a_rule_set, china, step_due

CALENDAR = china()
RULES = a_rule_set()
MILESTONE = RULES.rules.milestone_due
TURN = RULES.rules.submission_review


def day(text: str) -> date:
    return date.fromisoformat(text)


def due(deadline: str, today: str) -> Step | None:
    return step_due(day(deadline), MILESTONE, RULES, CALENDAR, day(today))


@pytest.mark.parametrize(
    ("deadline", "offset", "falls_on"),
    [
        ("2026-10-08", -1, "2026-09-30"),
        ("2026-10-08", -7, "2026-09-21"),
        ("2026-10-12", -1, "2026-10-10"),
        ("2026-10-12", -7, "2026-09-24"),
        ("2026-03-02", -1, "2026-02-28"),
        ("2026-03-02", -7, "2026-02-13"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-10-03", 0, "2026-09-30"),
    ],
)
def test_a_stage_falls_on_a_day_that_is_worked(deadline: str, offset: int, falls_on: str) -> None:
    stage = Stage(offset=offset, unit="working")
    assert stage_day(day(deadline), stage, CALENDAR) == day(falls_on)


def test_calendar_days_move_off_rest_days_too() -> None:
    month = Stage(offset=-30, unit="calendar")
    after = Stage(offset=3, unit="calendar")
    assert stage_day(day("2026-11-03"), month, CALENDAR) == day("2026-09-30")
    assert stage_day(day("2026-09-30"), after, CALENDAR) == day("2026-10-08")


@pytest.mark.parametrize(
    ("today", "stage", "repeat", "level"),
    [
        ("2026-09-04", None, 0, 0),
        ("2026-09-08", "T-30", 0, 0),
        ("2026-09-18", "T-30", 0, 0),
        ("2026-09-21", "T-7", 0, 0),
        ("2026-09-29", "T-7", 0, 0),
        ("2026-09-30", "T-1", 0, 1),
        ("2026-10-07", "T-1", 0, 1),
        ("2026-10-08", "T0", 0, 1),
        ("2026-10-09", "O+1", 0, 1),
        ("2026-10-11", "O+1", 0, 1),
        ("2026-10-12", "O+3", 0, 2),
        ("2026-10-15", "O+3", 0, 2),
        ("2026-10-16", "O+7", 0, 3),
        ("2026-10-22", "O+7", 0, 3),
        ("2026-10-23", "O+7", 1, 3),
        ("2026-10-30", "O+7", 2, 3),
    ],
)
def test_the_most_severe_stage_of_a_milestone_due_after_the_holidays(
    today: str, stage: str | None, repeat: int, level: int
) -> None:
    found = due("2026-10-08", today)
    assert (found and (found.stage, found.repeat, found.level)) == (
        stage and (stage, repeat, level)
    )


def test_the_first_stage_of_a_month_ahead_moves_to_the_working_day_before() -> None:
    assert due("2026-10-05", "2026-09-04") == Step("T-30", 0, -30, 0)
    assert due("2026-10-05", "2026-09-03") is None


def test_a_repeat_climbs_the_ladder_by_its_offset() -> None:
    levels = [
        (step.repeat, step.level)
        for text in ("2026-05-07", "2026-05-13", "2026-05-20")
        if (step := step_due(day("2026-05-06"), TURN, RULES, CALENDAR, day(text)))
    ]
    assert levels == [(0, 1), (1, 2), (2, 3)]


def test_what_has_no_repeat_stays_at_its_last_stage() -> None:
    once = a_rule(0, 1)
    step = step_due(day("2026-05-06"), once, RULES, CALENDAR, day("2027-05-06"))
    assert step == Step("O+1", 0, 1, 1)


def test_a_rule_may_keep_to_one_level() -> None:
    quiet = a_rule(7, repeat_every=5, level=0)
    step = step_due(day("2026-05-06"), quiet, RULES, CALENDAR, day("2026-12-31"))
    assert step is not None
    assert (step.level, step.repeat > 20) == (0, True)


def test_a_repeat_of_a_rule_that_does_not_repeat_is_on_its_last_stages_day() -> None:
    rule = MILESTONE.model_copy(update={"repeat_every": None})
    last = stage_day(day("2026-10-08"), rule.stages[-1], CALENDAR)
    assert step_day(day("2026-10-08"), rule, Step("T", 2, 0, 0), CALENDAR) == last
