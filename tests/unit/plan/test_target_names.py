"""What a target is called: its words, or the number that it sets."""

from decimal import Decimal

import pytest

from services.core.plan.target_names import figure_of, name_of, name_of_written
from services.core.webhooks.wording import Names, told


@pytest.mark.parametrize(
    ("kind", "value", "upper", "name"),
    [
        ("at_least", "70", None, "≥ 70"),
        ("more_than", "0", None, "> 0"),
        ("at_most", "7.50", None, "≤ 7.5"),
        ("less_than", "1E+2", None, "< 100"),
        ("full_coverage", None, None, "≥ 100"),
        ("between", "3", "5", "3–5"),
        ("rising", None, None, "—"),
    ],
)
def test_without_words_it_is_called_by_its_number(
    kind: str, value: str | None, upper: str | None, name: str
) -> None:
    written = {"kind": kind, "value": value, "upper": upper, "text": None}
    assert name_of_written(written) == name
    assert name_of_written({**written, "text": "七成以上"}) == "七成以上"


def test_no_number_is_no_figure() -> None:
    assert figure_of("at_least", None, None) is None
    assert name_of("qualitative", None, None, "") == "—"
    assert name_of("at_least", Decimal(70), None, "") == "≥ 70"


def test_a_robots_message_calls_it_so_too() -> None:
    data = {"kind": "at_least", "value": "70", "upper": None, "text": None, "year": 2031}
    said = told({"type": "target.assigned", "data": {**data, "indicator_code": "A"}}, Names())
    assert "目标已下达：≥ 70" in said.line
