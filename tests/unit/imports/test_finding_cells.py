"""What was found of an item, written into cells and read from them again: the same."""

from decimal import Decimal
from typing import Any

import pytest

from services.core.imports.finding_cells import (
    FOUND,
    asked_for,
    cells_of_finding,
    columns_for,
    finding_of,
)
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.plan.sheet_entries import SheetItem
from services.core.sheets.cells import Cell, SheetRow

_LINE = {"full_at": "0", "zero_at": "10"}
_ELEMENTS = [
    {"code": "plan", "name": "方案、预案", "points": "2"},
    {"code": "funds", "name": "经费；账目", "points": "2"},
    {"code": "a", "name": "同名", "points": "1"},
    {"code": "b", "name": "同名", "points": "1"},
]
_ROUTES = [
    {"code": "mean", "name": "平均分", "bands": [{"least": "90", "points": "5"}]},
    {"code": "growth", "name": "增幅=年", "bands": [{"least": "10", "points": "5"}]},
]
AT = {name: at for at, name in enumerate(FOUND, 1)}


def an_item(kind: str, **more: Any) -> SheetItem:
    return SheetItem.model_validate({"code": "A1", "name": "项", "kind": kind, "full": "5", **more})


ITEMS = {
    "missing": an_item("missing", elements=_ELEMENTS),
    "occurrences": an_item(
        "occurrences", points="1", zero_causes=[{"code": "false", "name": "弄虚作假"}]
    ),
    "sampled": an_item("sampled", points="1", sample_size=10),
    "quota": an_item("quota", points="1", quota=3, key_points="2"),
    "zero_if": an_item("zero_if", least="60"),
    "bands": an_item("bands", routes=_ROUTES),
    "linear": an_item("linear", line=_LINE, shrinking=_LINE),
    "bonus": an_item("bonus", points="1"),
    "repeat": an_item("repeat", elements=_ELEMENTS, more="1"),
}


def row_of(cells: dict[str, Any]) -> SheetRow:
    held = {}
    for name, one in cells.items():
        number = isinstance(one, Decimal)
        held[AT[name]] = Cell("number" if number else "text", plain(one) if number else one)
    return SheetRow(5, held)


def read(item: SheetItem | None, **cells: Any) -> tuple[dict[str, Any], list[Fault]]:
    faults: list[Fault] = []
    return finding_of(row_of(cells), AT, item, faults), faults


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        ("missing", {"missing": []}),
        (
            "missing",
            {"missing": ["plan", "funds", "a", "b"], "evidence": ["照片 3 张", "文件，一"]},
        ),
        ("occurrences", {"count": 0}),
        ("occurrences", {"count": 3, "note": "抽查"}),
        ("occurrences", {"zeroed_by": ["false"], "note": "数据造假"}),
        ("sampled", {"sampled": 10, "count": 3}),
        ("quota", {"count": 5, "key_count": 1}),
        ("zero_if", {"value": "60.005"}),
        ("bands", {"figures": {"mean": "91.5", "growth": "-3"}}),
        ("linear", {"value": "0", "change": "-0.5"}),
        ("bonus", {"count": 2}),
        ("repeat", {"counts": {}}),
        ("repeat", {"counts": {"plan": 2, "funds": 1, "a": 0}}),
        ("repeat", {"not_applicable_reason": "辖区内没有"}),
    ],
)
def test_what_is_written_is_read_as_the_same(kind: str, finding: dict[str, Any]) -> None:
    item = ITEMS[kind]
    cells = cells_of_finding(item, finding)
    assert cells.keys() <= set(columns_for([item]))
    said, faults = read(item, **cells)
    assert (said, faults) == (finding, [])


def test_nobody_looked_nothing_found_and_blank_are_told_apart() -> None:
    assert cells_of_finding(ITEMS["repeat"], None) == {}
    assert cells_of_finding(ITEMS["repeat"], {"counts": {}}) == {"counts": "无"}
    assert read(ITEMS["repeat"]) == ({}, [])
    assert read(ITEMS["repeat"], counts="0")[1] != [], "0 names nothing"


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("missing", {"missing": "方案、预案；FUNDS"}, {"missing": ["plan", "funds"]}),
        ("missing", {"missing": "a，b、funds"}, {"missing": ["a", "b", "funds"]}),
        ("repeat", {"counts": "方案、预案：2；FUNDS＝1"}, {"counts": {"plan": 2, "funds": 1}}),
        ("bands", {"figures": "平均分=91.50"}, {"figures": {"mean": "91.5"}}),
        ("occurrences", {"count": Decimal("2.5")}, {"count": "2.5"}),
    ],
)
def test_what_people_write_is_understood(
    kind: str, cells: dict[str, Any], said: dict[str, Any]
) -> None:
    assert read(ITEMS[kind], **cells) == (said, [])


def test_one_route_need_not_be_named_and_of_two_each_is() -> None:
    single = an_item("bands", routes=_ROUTES[:1])
    assert read(single, figures="91.5") == ({"figures": {"mean": "91.5"}}, [])
    for text in ("91.5", "平均分=高", "平均分=1；mean=2", "=3"):
        said, (fault,) = read(ITEMS["bands"], figures=text)
        assert (said, fault.code, fault.pointer) == ({"figures": {}}, "pairs", "/figures"), text


@pytest.mark.parametrize(
    ("kind", "cells", "shown"),
    [
        ("missing", {"missing": "同名；方案、预案"}, "同名"),
        ("occurrences", {"zeroed_by": "别的"}, "别的"),
        ("repeat", {"counts": "别的=2"}, "别的"),
    ],
)
def test_a_name_that_the_item_has_not_or_has_twice_is_told(
    kind: str, cells: dict[str, Any], shown: str
) -> None:
    _, (fault,) = read(ITEMS[kind], **cells)
    assert (fault.code, fault.value) == ("unknown-element", shown)
    assert read(None, **cells)[1] == [], "of an unknown item only that is told"


def test_what_an_item_asks_for_names_all_that_may_be_written() -> None:
    said = asked_for(ITEMS["missing"])
    assert "方案、预案" in said
    assert "funds" in said, "a name with ； in it is read as two"
    assert "其中重点" in asked_for(ITEMS["quota"])
    assert "弄虚作假" in asked_for(ITEMS["occurrences"])
