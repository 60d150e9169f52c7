"""A score sheet as a whole: totals, colours, what does not apply, and every fault at once."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.assessments.judging import colour_of, judged, merged, open_items
from services.core.plan.sheet_entries import ScoreSheet

COLOURS = [
    {"code": "green", "name": "绿", "minimum": "90"},
    {"code": "blue", "name": "蓝", "minimum": "75"},
    {"code": "yellow", "name": "黄", "minimum": "60"},
    {"code": "red", "name": "红", "minimum": "0"},
]
ITEMS: list[dict[str, Any]] = [
    {
        "code": "A",
        "name": "组织",
        "kind": "missing",
        "full": "60",
        "elements": [
            {"code": "plan", "name": "方案", "points": "20"},
            {"code": "funds", "name": "经费", "points": "30"},
        ],
    },
    {"code": "B", "name": "环境", "kind": "occurrences", "full": "40", "points": "2.5"},
    {
        "code": "C",
        "name": "抽查",
        "kind": "sampled",
        "full": "0",
        "lowest": "-5",
        "points": "1",
        "sample_size": 10,
    },
    {"code": "D", "name": "创新", "kind": "bonus", "full": "5", "points": "2"},
]


def sheet(**changes: Any) -> ScoreSheet:
    plain: dict[str, Any] = {
        "code": "V",
        "name": "乡村",
        "subject": "village",
        "cycle": "annual",
        "items": ITEMS,
        "colours": COLOURS,
    }
    return ScoreSheet.model_validate({**plain, **changes})


WHOLE: dict[str, Any] = {
    "A": {"missing": ["plan"]},
    "B": {"count": 2},
    "C": {"sampled": 10, "count": 1},
    "D": {"count": 1},
}


@pytest.mark.parametrize(
    ("total", "colour"),
    [
        ("90", "green"),
        ("89.99", "blue"),
        ("75", "blue"),
        ("74.99", "yellow"),
        ("60", "yellow"),
        ("59.99", "red"),
        ("0", "red"),
    ],
)
def test_a_colour_begins_at_its_bound(total: str, colour: str) -> None:
    assert colour_of(sheet(), Decimal(total)) == colour


def test_a_sheet_without_a_lowest_colour_leaves_totals_below_without_one() -> None:
    assert colour_of(sheet(colours=COLOURS[:1]), Decimal(89)) is None


def test_points_add_up_with_deductions_and_bonuses() -> None:
    found = judged(sheet(), WHOLE)
    assert [one["points"] for one in found.results] == ["40", "35", "-1", "2"]
    assert (found.total, found.colour, found.complete) == (Decimal(76), "blue", True)


def test_what_is_not_assessed_yet_leaves_the_total_open_and_a_bonus_does_not() -> None:
    some = judged(sheet(), {"A": WHOLE["A"], "D": WHOLE["D"]})
    assert (some.total, some.colour, some.complete) == (None, None, False)
    assert open_items(sheet(), some.findings) == ["B", "C"]
    assert [one["state"] for one in some.results] == ["scored", "open", "open", "scored"]
    without = judged(sheet(), merged(WHOLE, {"D": None}))
    assert (without.total, without.complete) == (Decimal(74), True)


def test_items_that_do_not_apply_are_scaled_away_or_give_theirs() -> None:
    said = {**WHOLE, "B": {"not_applicable_reason": "没有公共区域"}}
    # (40 − 1) × 100 ÷ 60 and the bonus.
    assert judged(sheet(), said).total == Decimal(67)
    assert judged(sheet(not_applicable="full_points"), said).total == Decimal(81)


def test_where_nothing_applies_there_is_no_total() -> None:
    nothing = {code: {"not_applicable_reason": "无"} for code in WHOLE}
    found = judged(sheet(), nothing)
    assert (found.total, found.colour, found.complete) == (None, None, True)


def test_a_total_ends_at_the_most_and_never_below_zero() -> None:
    best = {
        "A": {"missing": []},
        "B": {"count": 0},
        "C": {"sampled": 10, "count": 0},
        "D": {"count": 9},
    }
    assert judged(sheet(), best).total == 105
    assert judged(sheet(at_most="100"), best).total == 100
    worst = {
        "A": {"missing": ["plan", "funds"]},
        "B": {"count": 99},
        "C": {"sampled": 10, "count": 99},
    }
    only = [
        {**ITEMS[0], "elements": [{"code": "plan", "name": "方案", "points": "60"}]},
        *ITEMS[1:],
    ]
    assert judged(sheet(items=only), {**worst, "A": {"missing": ["plan"]}}).total == 0


def test_every_fault_is_told_at_once() -> None:
    said = {
        "A": {"missing": ["plan", "plan", "pln"], "count": 1},
        "B": {},
        "C": {"sampled": 9, "count": -1},
        "D": {"not_applicable_reason": "无", "count": 1},
        "E": {"count": 1},
    }
    found = judged(sheet(), said)
    assert [(one.pointer, one.code) for one in found.faults] == [
        ("/findings/E", "unknown-item"),
        ("/findings/A/count", "not-of-this-item"),
        ("/findings/A/missing/2", "unknown-element"),
        ("/findings/A/missing/1", "repeated-reference"),
        ("/findings/B/count", "missing"),
        ("/findings/C/count", "greater-than-equal"),
        ("/findings/D/count", "not-of-this-item"),
    ]
    assert (found.findings, found.results) == ({}, ())


def test_a_sample_that_is_too_small_says_why() -> None:
    small = judged(sheet(), {"C": {"sampled": 9, "count": 0}})
    assert [one.code for one in small.faults] == ["sample-too-small"]
    assert not judged(sheet(), {"C": {"sampled": 9, "count": 0, "note": "全村仅 9 户"}}).faults


def test_numbers_stay_as_exact_as_they_came() -> None:
    line = {
        "code": "L",
        "name": "率",
        "kind": "linear",
        "full": "10",
        "line": {"full_at": "100", "zero_at": "0"},
    }
    found = judged(sheet(items=[line]), {"L": {"value": "33.3333333333333333333333"}})
    assert found.findings["L"]["value"] == "33.3333333333333333333333"
    assert found.total == Decimal("3.33333333333333333333")
