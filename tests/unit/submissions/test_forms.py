"""The four forms of a reported value: which go together, and what is kept of each."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.plan.document import Indicator
from services.core.submissions.rules import (
    ZERO_OVER_ZERO,
    Form,
    SubmissionVerb,
    form_faults,
    period_allows,
    reported,
)
from tests.unit.scoring.builders import a_state, an_indicator

LEVELS = [{"code": "A", "name": "全", "points": 100}, {"code": "B", "name": "半", "points": 50}]
BY_LEVEL: dict[str, Any] = {
    "levels": LEVELS,
    "targets": [{"year": 2025, "kind": "qualitative", "value": None, "text": "x"}],
}
KINDS: dict[str, dict[str, Any]] = {
    "number": {},
    "percentage": {"multiplier": 100},
    "level": BY_LEVEL,
    "both": {**BY_LEVEL, "level_with_value": True, "unit": "亿元"},
}
ONE, TWO, NOUGHT = Decimal(1), Decimal(2), Decimal(0)


def an_entry(kind: str) -> Indicator:
    return a_state(an_indicator(**KINDS[kind])).indicators["R01"]


@pytest.mark.parametrize(
    ("kind", "given", "faults"),
    [
        ("number", {}, [("", "value-missing", None)]),
        ("number", {"value": NOUGHT}, []),
        ("number", {"numerator": ONE, "denominator": TWO}, []),
        ("number", {"not_applicable_reason": "无"}, []),
        (
            "number",
            {"value": ONE, "not_applicable_reason": "无"},
            [("", "more-than-one-form", "value, not_applicable_reason")],
        ),
        (
            "number",
            {"value": ONE, "numerator": ONE, "denominator": TWO},
            [("", "more-than-one-form", "value, numerator")],
        ),
        (
            "number",
            {"value": ONE, "denominator": TWO},
            [
                ("", "more-than-one-form", "value, numerator"),
                ("/numerator", "ratio-incomplete", None),
            ],
        ),
        (
            "number",
            {"value": ONE, "numerator": TWO},
            [
                ("", "more-than-one-form", "value, numerator"),
                ("/denominator", "ratio-incomplete", None),
            ],
        ),
        ("number", {"numerator": ONE}, [("/denominator", "ratio-incomplete", None)]),
        (
            "number",
            {"numerator": ONE, "denominator": NOUGHT},
            [("/denominator", "division-by-zero", "0")],
        ),
        (
            "number",
            {"numerator": TWO, "denominator": NOUGHT},
            [("/denominator", "division-by-zero", "0")],
        ),
        ("number", {"numerator": NOUGHT, "denominator": NOUGHT}, []),
        ("number", {"numerator": NOUGHT, "denominator": ONE}, []),
        ("number", {"level": "A"}, [("/level", "unknown-level", "A")]),
        ("level", {"level": "A"}, []),
        ("level", {"level": "C"}, [("/level", "unknown-level", "C")]),
        ("level", {"not_applicable_reason": "无"}, []),
        ("level", {"value": ONE}, [("/value", "level-expected", None)]),
        (
            "level",
            {"numerator": ONE, "denominator": TWO},
            [("/numerator", "level-expected", None)],
        ),
        (
            "level",
            {"level": "A", "value": ONE},
            [("", "more-than-one-form", "value, level"), ("/value", "level-expected", None)],
        ),
        ("both", {"level": "A", "value": ONE}, []),
        ("both", {"level": "A"}, []),
        ("both", {"value": ONE}, [("/value", "level-expected", None)]),
        (
            "both",
            {"level": "A", "numerator": ONE, "denominator": TWO},
            [
                ("", "more-than-one-form", "numerator, level"),
                ("/numerator", "level-expected", None),
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_form_is_told_all_at_once(
    kind: str, given: dict[str, Any], faults: list[tuple[str, str, str | None]]
) -> None:
    found = form_faults(Form(**given), an_entry(kind), draft=False)
    assert [(fault.pointer, fault.code, fault.value) for fault in found] == faults
    draft = form_faults(Form(**given), an_entry(kind), draft=True)
    assert [fault.code for fault in draft] == [
        code for _, code, _ in faults if code != "value-missing"
    ]


@pytest.mark.parametrize(
    ("kind", "given", "value", "reason"),
    [
        ("number", {"value": ONE}, ONE, None),
        ("number", {"numerator": ONE, "denominator": Decimal(4)}, Decimal("0.25"), None),
        ("percentage", {"numerator": ONE, "denominator": Decimal(4)}, Decimal(25), None),
        ("number", {"numerator": Decimal(3), "denominator": ONE}, Decimal(3), None),
        ("number", {"numerator": NOUGHT, "denominator": NOUGHT}, None, ZERO_OVER_ZERO),
        ("number", {"not_applicable_reason": "无此类企业"}, None, "无此类企业"),
        ("both", {"level": "A", "value": ONE}, ONE, None),
    ],
)
def test_what_is_kept_of_a_form(
    kind: str, given: dict[str, Any], value: Decimal | None, reason: str | None
) -> None:
    kept = reported(Form(**given), an_entry(kind))
    assert (kept.value, kept.not_applicable_reason) == (value, reason)
    assert kept.level == given.get("level")
    assert (kept.numerator, kept.denominator) == (given.get("numerator"), given.get("denominator"))


@pytest.mark.parametrize("verb", ["edit", "submit", "withdraw", "approve", "return", "reopen",
                                  "falsify"])  # fmt: skip
def test_a_closed_period_lets_decide_and_a_published_one_nothing(verb: SubmissionVerb) -> None:
    assert period_allows(verb, "planned")
    assert period_allows(verb, "open")
    assert period_allows(verb, "closed") is (verb in {"approve", "return", "falsify"})
    assert not period_allows(verb, "published")
