"""The wording of official papers: no minus beside 下降, rates in 百分点, three sorts of nothing."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.papers.figures import FigureBook, moved
from services.core.papers.sentences import (
    attainment_text,
    change_text,
    day_name,
    difference,
    growth,
    light_text,
    names_text,
    ordinal,
    percent_text,
    period_before,
    period_name,
    place_text,
    rate_difference,
    value_text,
    year_before,
)
from services.core.plan.periods import PeriodCalendar

CALENDAR = PeriodCalendar(1)
numbers = st.decimals(-(10**9), 10**9, places=6, allow_nan=False, allow_infinity=False)


@given(numbers, numbers)
def test_a_difference_of_rates_says_which_way_and_never_has_a_sign(
    now: Decimal, then: Decimal
) -> None:
    said = rate_difference(now, then)
    if now == then:
        assert said == "持平"
        return
    assert re.fullmatch(r"(提高|下降)(不足)?[0-9]+\.[0-9]{2}个百分点", said), said
    assert said.startswith("提高" if now > then else "下降")
    assert not re.search(r"(?<![0-9足])0\.00", said)


@given(numbers, numbers)
def test_growth_says_which_way_and_never_has_a_sign(now: Decimal, then: Decimal) -> None:
    said = growth(now, then)
    if now == then:
        assert said == "持平"
    elif then <= 0:
        assert said is None
    else:
        assert said is not None
        assert re.fullmatch(r"(增长|下降)(不足)?[0-9]+\.[0-9]{2}%", said), said
        assert said.startswith("增长" if now > then else "下降")


@pytest.mark.parametrize(
    ("now", "then", "unit", "said"),
    [
        ("41.5", "40", "%", "提高1.50个百分点"),
        ("39.65", "40", "%", "下降0.35个百分点"),
        ("40", "40", "%", "持平"),
        ("0.001", "0", "%", "提高不足0.01个百分点"),
        ("23", "23.47", "万吨", "下降2.00%"),
        ("16", "9", "家", "增长77.78%"),
        ("3", "0", "家", "—"),
        (None, "9", "家", "—"),
        ("9", None, "%", "—"),
    ],
)
def test_rates_are_told_in_points_and_amounts_by_their_growth(
    now: str | None, then: str | None, unit: str, said: str
) -> None:
    assert change_text(now, then, unit) == said


def test_a_difference_of_scores_is_in_points_of_the_score() -> None:
    assert difference(Decimal("93.2"), Decimal(92), "分") == "提高1.20分"
    assert difference(Decimal(92), Decimal("93.2"), "分") == "下降1.20分"


def a_row(**more: Any) -> dict[str, Any]:
    return {
        "display": None,
        "level": None,
        "unit": "%",
        "state": "scored",
        "reporting": {"reported": 0, "overdue": 1},
        **more,
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (a_row(display="40.65"), "40.65%"),
        (a_row(display="0.00"), "0.00%"),
        (a_row(display="0.00", unit="家"), "0.00家"),
        (a_row(display="全面运转", level="full", unit="/"), "全面运转"),
        (a_row(state="missing"), "未报"),
        (a_row(state="not_applicable"), "不适用"),
        (a_row(state="not_due"), "未到期"),
        (a_row(state="not_opened"), "未开放填报"),
        (a_row(state="not_assessable"), "未报"),
        (a_row(state="not_assessable", reporting={"reported": 2, "overdue": 0}), "—"),
        (a_row(state="not_assessable", reporting={"reported": 0, "overdue": 0}), "暂无数据"),
    ],
)
def test_not_reported_not_applicable_and_zero_are_three_things(
    row: dict[str, Any], said: str
) -> None:
    assert value_text(row) == said


def test_a_share_never_rounds_to_the_other_side_of_the_whole() -> None:
    assert percent_text("1") == "100.00%"
    assert percent_text("0.99995") == "99.995%"
    assert percent_text("0.8") == "80.00%"
    assert percent_text("0") == "0.00%"
    assert percent_text(None) == "—"


def test_what_was_reached_of_a_target_is_a_percentage_already() -> None:
    assert attainment_text("100") == "100.00%"
    assert attainment_text("99.996") == "99.996%"
    assert attainment_text("0") == "0.00%"
    assert attainment_text(None) == "—"


@given(st.integers(1, 99))
def test_ordinals_are_chinese_and_each_is_another(number: int) -> None:
    said = ordinal(number)
    assert set(said) <= set("一二三四五六七八九十")
    assert not any(ordinal(other) == said for other in range(1, 100) if other != number)


def test_ordinals_places_and_names() -> None:
    assert [ordinal(one) for one in (1, 10, 11, 20, 35, 99, 100)] == [
        *("一", "十", "十一", "二十", "三十五", "九十九", "100")
    ]
    assert (place_text(1, 1), place_text(2, 3)) == ("第一", "并列第二")
    assert names_text(["甲", "乙"]) == "甲、乙"
    assert names_text([str(one) for one in range(12)], most=2) == "0、1等12个"
    assert light_text("red") == "■红"


@pytest.mark.parametrize(
    ("code", "name", "before", "last_year"),
    [
        ("2025", "2025年", "2024", "2024"),
        ("2025-H1", "2025年上半年", "2024-H2", "2024-H1"),
        ("2025-Q3", "2025年第三季度", "2025-Q2", "2024-Q3"),
        ("2025-Q1", "2025年第一季度", "2024-Q4", "2024-Q1"),
        ("2025-09", "2025年9月", "2025-08", "2024-09"),
        ("2025-01", "2025年1月", "2024-12", "2024-01"),
    ],
)
def test_periods_have_names_and_those_they_are_compared_with(
    code: str, name: str, before: str, last_year: str
) -> None:
    period = CALENDAR.period(code)
    assert period_name(period) == name
    assert period_before(period).code == before
    assert year_before(period).code == last_year


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_dates_have_no_zeros_before(day: date) -> None:
    assert day_name(day) == f"{day.year}年{day.month}月{day.day}日"


def test_a_score_that_is_written_otherwise_has_not_moved() -> None:
    book, today = FigureBook("2025"), FigureBook("2025")
    for one, scores in ((book, ("0E-20", "60.000", "59")), (today, ("0", "60", "60"))):
        for unit, score in enumerate(scores):
            one.note(f"lead/{unit}", "单位", "—", {"score": score, "place": "1"})
    assert [one.printed.key for one in moved(book.figures, today.figures)] == ["lead/2"]
