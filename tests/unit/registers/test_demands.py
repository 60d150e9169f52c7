"""What a row must show: conditions on what it says, and the files that count."""

from typing import Any

import pytest

from services.core.plan.register_entries import Register, RowCondition
from services.core.registers.demands import lacking, missing_files
from services.core.registers.row_conditions import meets
from services.core.registers.totals import file_name_faults, reason_faults

PDF = {"id": "1", "type": "pdf", "kept": False}


@pytest.mark.parametrize(
    ("cells", "condition", "expected"),
    [
        ({"stage": "named"}, {"any_of": ["named", "rechecked"]}, True),
        ({"stage": "applied"}, {"any_of": ["named"]}, False),
        ({}, {"any_of": ["None"]}, False),
        ({"stage": True}, {"yes": True}, True),
        ({"stage": False}, {"yes": False}, True),
        ({}, {"yes": False}, False),
        ({}, {"filled": False}, True),
        ({"stage": 0}, {"filled": True}, True),
        ({"stage": "80"}, {"minimum": "80"}, True),
        ({"stage": "79.99"}, {"minimum": "80"}, False),
        ({"stage": 3}, {"minimum": "1", "maximum": "3"}, True),
        ({"stage": "3.001"}, {"maximum": "3"}, False),
        ({}, {"maximum": "3"}, False),
        ({}, {}, True),
    ],
)
def test_a_condition_asks_as_a_measure_does(
    cells: dict[str, Any], condition: dict[str, Any], expected: bool
) -> None:
    assert meets(cells, [RowCondition(column="stage", **condition)]) is expected


def test_each_rule_counts_by_itself() -> None:
    register = Register.model_validate(
        {
            "code": "T",
            "name": "试",
            "columns": [{"code": "stage", "name": "环节", "type": "text", "required": True}],
            "key": ["stage"],
            "evidence": [
                {"name": "甲", "types": ["pdf"]},
                {"name": "乙", "min_files": 3, "where": [{"column": "stage", "any_of": ["b"]}]},
                {"name": "丙", "state": "ended"},
            ],
        }
    )
    assert [one.code for one in lacking(register, {"stage": "b"}, [], "confirmed")] == [
        "evidence-missing",
        "evidence-missing",
    ]
    assert lacking(register, {"stage": "a"}, [PDF], "confirmed") == []
    assert missing_files(register, {"stage": "b"}, [PDF]) == 2
    assert missing_files(register, {"stage": "a"}, [PDF]) == 0
    assert missing_files(None, {"stage": "b"}, []) == 0
    (ended,) = lacking(register, {"stage": "a"}, [], "ended")
    assert "丙" in ended.detail.zh


def test_the_name_of_a_file_names_no_person_where_totals_are_kept() -> None:
    column = {"code": "seen", "name": "数", "type": "integer", "required": True}
    said = {"code": "T", "name": "试", "columns": [column], "key": ["seen"]}
    totals = Register.model_validate({**said, "aggregates": True})
    (told,) = file_name_faults(totals, "笔录 138 0000 0000 1.pdf")
    assert (told.pointer, told.code, told.value) == ("/query/file_name", "counts-only", None)
    assert file_name_faults(totals, "2026年7月汇总.pdf") == []
    for hidden in ("１３８００１３８０００", "138.0013.8000", "138_0013_8000", "138－0013－8000"):
        assert file_name_faults(totals, f"笔录{hidden}.pdf"), hidden
        assert reason_faults(totals, f"受访人{hidden}否认受访"), hidden
    # A scanner's second is no person's number; what is like one may be.
    for scanned in (
        "20251130104859.pdf",
        "扫描_20251130_104859_1.pdf",
        "２０２５１１３０１０４８５９.pdf",
    ):
        assert file_name_faults(totals, scanned) == [], scanned
    for other in ("20251330104859.pdf", "20251130104859-13800138000.pdf", "202511301048591.pdf"):
        assert file_name_faults(totals, other), other
    assert reason_faults(totals, "见 20251130104859")
    for days in ("2025.1.1-2025.6.30", "2025-01-01_2025-12-31"):
        assert file_name_faults(totals, f"{days}汇总.pdf") == reason_faults(totals, days) == []
    assert file_name_faults(totals, "410183-19900101-001122.pdf")
    assert file_name_faults(Register.model_validate(said), "13800000001.pdf") == []
