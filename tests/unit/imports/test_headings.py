"""What a heading names: by its longest name, and by what stands beside that."""

import pytest

from services.api.exports.columns import shape_of
from services.api.submissions.schemas import SubmissionListOut
from services.core.imports.headings import (
    OF_ASSESSMENTS,
    OF_INDICATORS,
    OF_TASKS,
    Headings,
    columns_of_sheet,
)
from services.core.imports.sheet_forms import FORMS
from services.core.sheets.cells import Cell, SheetRow


@pytest.mark.parametrize(
    "heading",
    [
        *("去年同期完成值", "上年完成值", "上一年实际值", "往年数值", "上期实际值", "上期分子"),
        *("基期指标值", "基年数值", "年初数值", "指标目标值", "目标完成值", "计划完成值"),
        *("预计完成值", "应完成值", "完成值（去年）", "完成值同比", "实际值 (目标)", "指标值环比"),
        *("目标等级", "上期分母", "上期数据状态", "上期备注", "去年数据来源", "上年佐证材料"),
        *("last_value", "previous value", "target_value", "baseline value", "Forecast Value"),
    ],
)
def test_another_time_s_or_what_is_wanted_is_no_value_of_this_period(heading: str) -> None:
    assert OF_INDICATORS.key_of(heading) == ""


@pytest.mark.parametrize(
    ("known", "heading", "key"),
    [
        (OF_INDICATORS, "本期完成值（万吨）", "value"),
        (OF_INDICATORS, "上半年完成值", "value"),
        (OF_INDICATORS, "累计完成值", "value"),
        (OF_INDICATORS, "规划指标名称", "indicator_name"),
        (OF_INDICATORS, "与上年同期相比的变化原因", "change_reason"),
        (OF_INDICATORS, "变化原因（同比）", "change_reason"),
        (OF_INDICATORS, "备注（含目标调整）", "note"),
        (OF_INDICATORS, "plastic value", "value"),
        (OF_TASKS, "预计完成时间", "expected_date"),
        (OF_TASKS, "下一步工作计划", "next_steps"),
        (OF_TASKS, "工作进展及计划", "narrative"),
        (OF_TASKS, "实际进度", "percent"),
        (OF_ASSESSMENTS, "较上期变化", "change"),
    ],
)
def test_what_belongs_to_a_column_does_not_make_it_another(
    known: Headings, heading: str, key: str
) -> None:
    assert known.key_of(heading) == key


@pytest.mark.parametrize(
    ("known", "heading"),
    [
        *((OF_TASKS, one) for one in ("计划进度", "目标进度", "时间进度", "预计完成百分比")),
        *((OF_TASKS, one) for one in ("序时进度", "上期进展情况", "上月存在问题")),
        *((OF_ASSESSMENTS, one) for one in ("上期数值", "目标数量", "去年件数", "上期备注")),
    ],
)
def test_other_forms_keep_what_is_planned_or_past_out_as_well(
    known: Headings, heading: str
) -> None:
    assert known.key_of(heading) == ""


def test_this_period_s_value_is_found_beside_last_year_s_and_the_target() -> None:
    said = ("指标编号", "指标名称", "指标目标值", "去年同期完成值", "本期值", "同比")
    row = SheetRow(1, {at: Cell("text", one) for at, one in enumerate(said, 1)})
    found = columns_of_sheet([row], OF_INDICATORS)
    assert found is not None
    assert (found.at, found.twice) == ({"indicator_code": 1, "indicator_name": 2, "value": 5}, {})
    assert found.ignored == ("指标目标值", "去年同期完成值", "同比")


def test_no_column_of_our_own_export_stands_for_another() -> None:
    shape = shape_of(SubmissionListOut)
    assert shape is not None
    said = shape.tables[0].headings("zh-CN")
    row = SheetRow(1, {at: Cell("text", one) for at, one in enumerate(said, 1)})
    found = columns_of_sheet([row], OF_INDICATORS)
    assert found is not None
    assert (found.twice, found.headings["value"], found.headings["organization_name"]) == (
        {},
        "数值",
        "单位名称",
    )
    assert "evidence" not in found.at


def test_every_name_and_every_heading_of_a_form_of_ours_names_what_it_did() -> None:
    for known in (OF_INDICATORS, OF_TASKS, OF_ASSESSMENTS):
        for key, names in known.names.items():
            assert [known.key_of(name) for name in names] == [key] * len(names)
    for name, known in (("indicators", OF_INDICATORS), ("tasks", OF_TASKS)):
        for column in FORMS[name].columns:  # type: ignore[index]
            if column.filled:
                assert known.key_of(column.heading) == column.key
