"""Score sheets in a plan: what may stand in them, and every fault at once."""

from typing import Any

from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document
from tests.support.api import xinmi
from tests.support.assessments import SHEETS, a_sheet


def faults(*sheets: dict[str, Any]) -> list[tuple[str, str]]:
    document = xinmi().model_dump(mode="json", exclude_none=True)
    try:
        read_document({**document, "score_sheets": list(sheets)})
    except InvalidPlan as error:
        return [(one.pointer.removeprefix("/score_sheets/"), one.code) for one in error.faults]
    return []


def an_item(kind: str, **members: Any) -> dict[str, Any]:
    return {"code": kind, "name": "项", "kind": kind, "full": 10, **members}


def of_items(*items: dict[str, Any]) -> list[tuple[str, str]]:
    found = faults(a_sheet(items=[an_item("occurrences", points=1), *items]))
    return [(pointer.removeprefix("0/items/"), code) for pointer, code in found]


def test_sheets_without_fault_are_taken() -> None:
    assert faults(*SHEETS) == []


def test_every_fault_of_a_sheet_is_told_at_once() -> None:
    wrong = a_sheet(
        assessors=["UN99", "UN15", "UN15"],
        rows_of="GREEN-FACTORY",
        colours=[
            {"code": "a", "name": "甲", "minimum": 60},
            {"code": "a", "name": "乙", "minimum": 60},
        ],
        items=[an_item("bonus", points=1)],
        at_most=0,
    )
    assert faults(wrong, wrong) == [
        ("1/code", "duplicate-code"),
        *[
            (f"{at}/{place}", code)
            for at in (0, 1)
            for place, code in (
                ("assessors/0", "unknown-organization"),
                ("assessors/2", "repeated-reference"),
                ("rows_of", "member-not-expected"),
                ("colours/1/code", "duplicate-code"),
                ("colours/1/minimum", "colours-not-descending"),
                ("items", "sheet-without-points"),
                ("at_most", "threshold-not-positive"),
            )
        ],
    ]


def test_a_sheet_of_rows_names_a_register_and_its_columns() -> None:
    rows = a_sheet(subject="row")
    assert faults(rows) == [("0/rows_of", "member-required"), ("0/name_column", "member-required")]
    named = {"rows_of": "GREEN-FACTORY", "name_column": "enterprise", "compared_by": "level"}
    assert faults({**rows, **named}) == []
    assert faults({**rows, **named, "name_column": "nothing"}) == [
        ("0/name_column", "unknown-column")
    ]
    assert faults({**rows, **named, "rows_of": "NONE"}) == [("0/rows_of", "unknown-register")]


def test_an_item_has_what_its_kind_needs_and_nothing_else() -> None:
    assert of_items(
        an_item("missing"),
        an_item("sampled"),
        an_item("quota", points=1, quota=3, more=1),
        an_item("zero_if"),
        an_item("linear", line={"full_at": 1, "zero_at": 1}),
        an_item("repeat", more=-1, elements=[{"code": "a", "name": "甲", "points": -1}]),
    ) == [
        ("1/elements", "member-required"),
        ("2/points", "member-required"),
        ("2/sample_size", "member-required"),
        ("3/more", "member-not-expected"),
        ("4/least", "one-bound-required"),
        ("5/line/zero_at", "line-without-slope"),
        ("6/more", "negative-bound"),
        ("6/elements/0/points", "negative-bound"),
    ]


def test_points_lie_between_the_lowest_and_the_full() -> None:
    assert of_items(
        an_item("occurrences", points=1, full=-1) | {"code": "a"},
        an_item("occurrences", points=1, lowest=1) | {"code": "b"},
    ) == [
        ("1/full", "negative-bound"),
        ("1/lowest", "lowest-above-zero"),
        ("2/lowest", "lowest-above-zero"),
    ]


def test_bands_stand_on_one_side_the_best_first() -> None:
    def route(*bands: dict[str, Any]) -> list[tuple[str, str]]:
        one = {"code": "r", "name": "率", "bands": list(bands)}
        return [
            (pointer.removeprefix("1/routes/0/bands"), code)
            for pointer, code in of_items(an_item("bands", routes=[one]))
        ]

    assert route({"least": 90, "points": 10}, {"least": 80, "points": 5}) == []
    assert route({"most": 10, "points": 10}, {"most": 20, "points": 5}) == []
    assert route({"least": 90, "points": 10}, {"most": 80, "points": 5}) == [
        ("", "bands-on-two-sides")
    ]
    assert route({"points": 10}) == [("/0/least", "one-bound-required")]
    assert route({"least": 80, "points": 5}, {"least": 90, "points": 10}) == [
        ("/1/least", "bands-not-best-first"),
        ("/1/points", "bands-not-best-first"),
    ]
    assert route({"most": 20, "points": 10}, {"most": 10, "points": 11}) == [
        ("/1/points", "out-of-range"),
        ("/1/most", "bands-not-best-first"),
        ("/1/points", "bands-not-best-first"),
    ]
