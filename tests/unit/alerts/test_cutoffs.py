"""A rule turned about says the same as the rule, for every calendar, rule and day."""

from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from services.core.alerts.cutoffs import cutoffs
from services.core.alerts.rule_set import DeadlineRule
from services.core.alerts.stages import stage_day, step_day
from services.core.calendars.rules import WorkingCalendar, plain_week
from tests.unit.alerts.builders import a_rule_set, china, step_due

RULES = a_rule_set()
START = date(2026, 1, 1)
OLDEST = START - timedelta(days=120)

days = st.integers(-40, 160).map(lambda number: START + timedelta(days=number))
calendars = st.dictionaries(days, st.booleans(), max_size=80).map(
    lambda changed: WorkingCalendar("X", 1, frozenset(), changed)
)


@st.composite
def rules(draw: st.DrawFn) -> DeadlineRule:
    offsets = sorted(draw(st.sets(st.integers(-12, 12), min_size=1, max_size=6)))
    units = st.sampled_from(["working", "calendar"])
    every = draw(st.none() | st.integers(1, 6)) if offsets[-1] >= 0 else None
    return DeadlineRule.model_validate(
        {
            "enabled": True,
            "stages": [{"offset": offset, "unit": draw(units)} for offset in offsets],
            "repeat_every": every,
            "level": draw(st.none() | st.integers(0, 3)),
        }
    )


@given(rules(), calendars, days, days, st.integers(0, 6))
@example(RULES.rules.milestone_due, china(), date(2026, 10, 6), date(2026, 10, 8), 0)
@example(RULES.rules.submission_review, plain_week(""), date(2026, 2, 1), date(2026, 1, 4), 5)
def test_both_ways_find_the_same_step(
    rule: DeadlineRule, calendar: WorkingCalendar, today: date, mark: date, lead: int
) -> None:
    found = cutoffs(rule, RULES, calendar, today, since=OLDEST, lead=lead)
    due = calendar.shifted(mark, lead)
    assert found.due(mark) == step_due(due, rule, RULES, calendar, today)


@given(rules(), calendars, days)
def test_cut_offs_never_ascend_and_name_every_step_once(
    rule: DeadlineRule, calendar: WorkingCalendar, today: date
) -> None:
    found = cutoffs(rule, RULES, calendar, today, since=OLDEST)
    assert list(found.latest) == sorted(found.latest, reverse=True)
    offsets = [step.offset for step in found.steps]
    assert offsets == sorted(set(offsets))


@given(rules(), calendars, days, st.integers(0, 30))
def test_a_stage_never_comes_earlier_for_a_later_due_date(
    rule: DeadlineRule, calendar: WorkingCalendar, due: date, later: int
) -> None:
    for stage in rule.stages:
        first = stage_day(due, stage, calendar)
        assert first <= stage_day(due + timedelta(days=later), stage, calendar)
        assert calendar.is_workday(first)


@given(rules(), calendars, days, days)
def test_a_step_is_due_from_its_day_on(
    rule: DeadlineRule, calendar: WorkingCalendar, due: date, today: date
) -> None:
    step = step_due(due, rule, RULES, calendar, today)
    if step is not None:
        day = step_day(due, rule, step, calendar)
        assert day <= today
        assert calendar.is_workday(day)


@given(rules(), calendars, days, days)
def test_time_only_goes_up_the_steps(
    rule: DeadlineRule, calendar: WorkingCalendar, due: date, today: date
) -> None:
    now = step_due(due, rule, RULES, calendar, today)
    then = step_due(due, rule, RULES, calendar, today + timedelta(days=1))
    if now is not None:
        assert then is not None
        assert then.offset >= now.offset


def test_repeats_end_where_nothing_older_is_open() -> None:
    since = date(2026, 1, 1)
    found = cutoffs(RULES.rules.report_due, RULES, china(), date(2026, 11, 25), since=since)
    assert found.latest[-1] >= since
    assert len(found.steps) > 40
    assert found.steps[-1].stage == "O+7"
    assert len(cutoffs(RULES.rules.milestone_sign, RULES, china(), since, since=since).steps) == 3
