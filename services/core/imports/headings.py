"""Finds which column of a sheet holds which field, by its heading. Pure.

The longest known name that a heading contains decides. Names of columns that are not imported are
known too: otherwise 单位 would match 计量单位, and 日期 every date. Words beside the name count as
well: 去年同期完成值 is a value, but not that of this period.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.core.imports.finding_cells import FOUND
from services.core.imports.sheet_forms import AS_MADE, SheetKind
from services.core.kit.said import trimmed
from services.core.sheets.cells import SheetRow

_MARK = ("制表时内容", "as_made")

_OF_INDICATORS: Mapping[str, tuple[str, ...]] = {
    "indicator_code": ("指标编号", "指标编码", "指标代码", "indicator_code"),
    "indicator_name": ("指标名称", "指标", "indicator_name", "indicator"),
    "organization_code": ("单位编号", "单位编码", "单位代码", "organization_code"),
    "organization_name": (
        "填报单位",
        "报送单位",
        "单位名称",
        "单位",
        "organization_name",
        "organization",
    ),
    "period": ("报告期", "填报周期", "周期", "期间", "period"),
    "unit_of_measure": ("计量单位", "unit_of_measure"),
    "value": ("本期值", "指标值", "填报值", "完成值", "实际值", "数值", "value"),
    "numerator": ("本期分子", "分子", "numerator"),
    "denominator": ("本期分母", "分母", "denominator"),
    "level": ("本期等级", "等级", "level"),
    "not_applicable_reason": ("不适用原因", "不适用", "not_applicable_reason"),
    "data_status": ("数据状态", "data_status"),
    "source": ("数据来源", "来源", "source"),
    "note": ("备注", "note"),
    "change_reason": ("变化原因", "justification"),
    "evidence": ("佐证材料名称", "佐证材料"),
    AS_MADE: _MARK,
    "": (
        "序号",
        "口径",
        "基期",
        "目标",
        "上期",
        "去年",
        "同期",
        "同比",
        "环比",
        "累计/时点",
        "应完成值",
        "佐证材料件数",
        "代报单位",
        "接收单位",
        "处置单位",
        "牵头单位",
        "责任单位",
        "主管单位",
        "分子单位",
        "分母单位",
        "分子名称",
        "分母名称",
        "指标类型",
        "指标类别",
        "日期",
        "填报人",
        "审核人",
        "负责人",
        "电话",
    ),
}
"""Names of columns by key; under the empty key those of printed columns that are not imported."""

_OF_ANOTHER = (
    *("去年", "上年", "上一年", "前年", "往年", "历年", "上期", "上一期", "上月", "上季"),
    *("同期", "同比", "环比", "增长", "增幅", "基期", "基年", "基准", "期初", "年初"),
    *("目标", "计划", "规划", "预计", "预期", "预测", "last_", "previous"),
    *("baseline", "target", "planned", "expected", "forecast"),
)
"""Words by which a column holds the value of another time, or a target instead of a result."""

_COMPARES = frozenset({"change", "change_reason", "next_steps", "expected_date"})
"""Columns about changes or the future: such words belong to their names wherever they stand."""

_SPEAKS = frozenset(
    {"narrative", "problems", "not_applicable_reason", "source", "note", "evidence"}
)
"""Columns of prose, whose headings may continue with such words: 工作进展及计划."""

_NAMES = frozenset(
    {"indicator_code", "indicator_name", "organization_code", "organization_name"}
    | {"milestone_id", "title", "item_code", "item_name", "subject_code", "subject_name"}
)
"""Columns of names, whose headings may begin with such words: 规划指标名称."""

_OF_TASKS: Mapping[str, tuple[str, ...]] = {
    "milestone_id": ("里程碑编号", "里程碑编码", "里程碑代码", "milestone_id"),
    "title": ("里程碑", "title"),
    "percent": ("完成百分比", "完成比例", "完成进度", "进度", "percent"),
    "narrative": ("进展描述", "进展情况", "工作进展", "narrative"),
    "problems": ("存在问题", "problems"),
    "next_steps": ("下一步措施", "下步措施", "下一步工作", "下一步打算", "next_steps"),
    "expected_date": ("预计完成", "expected_date"),
    AS_MADE: _MARK,
    "": (
        *("序号", "任务编号", "任务内容", "牵头单位", "责任单位", "里程碑时限", "里程碑期限"),
        *("时间进度", "序时进度", "应完成进度", "应完成比例", "应完成百分比"),
        *("完成情况", "佐证", "填报单位", "填报人", "审核人", "负责人", "电话"),
    ),
}

FORMS_OF_VALUE = ("value", "numerator", "denominator", "level", "not_applicable_reason")
"""The columns of which a row fills in one form of the value."""


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of a form: the key of each, and the names that its heading may have.

    A sheet of this form has one of the columns that `identify` its rows, and one of those that
    carry new values, `told`. Marks of prefilled cells are bound to the key columns `about`. `shown`
    maps a key to the columns where its faults are shown, and the empty key to those for faults of
    the row.
    """

    form: SheetKind
    names: Mapping[str, tuple[str, ...]]
    identify: frozenset[str]
    told: tuple[str, ...]
    about: tuple[str, ...]
    place: frozenset[str]
    shown: Mapping[str, tuple[str, ...]]

    def key_of(self, heading: str) -> str:
        """Return the key of the column with this heading; empty where it is not imported."""
        said = "".join(unicodedata.normalize("NFKC", heading).split()).lower()
        if not said or len(said) > _LONGEST_HEADING:
            return ""
        named = ((name, key) for key, names in self.names.items() for name in names if name in said)
        name, key = min(named, key=lambda pair: (-len(pair[0]), pair), default=("", ""))
        return key if key and not _is_of_another(key, said.partition(name)) else ""


def _is_of_another(key: str, parts: tuple[str, str, str]) -> bool:
    """Return whether the words around a name in a heading make it another column."""
    before, _, behind = parts
    qualified = (
        key not in _NAMES and any(word in before for word in _OF_ANOTHER),
        key not in _SPEAKS and any(word in behind for word in _OF_ANOTHER),
    )
    return key not in _COMPARES and any(qualified)


OF_INDICATORS = Headings(
    form="indicators",
    names=_OF_INDICATORS,
    identify=frozenset({"indicator_code", "indicator_name"}),
    told=FORMS_OF_VALUE,
    about=("indicator_code",),
    place=frozenset({"indicator_code", "organization_code", "organization_name", "period"}),
    shown={
        "organization_code": ("organization_code", "organization_name"),
        "indicator_code": ("indicator_code", "indicator_name"),
        "note": ("note", "evidence"),
        "justification": ("change_reason",),
        "": ("indicator_code", "indicator_name"),
    },
)

# The form hides the column of the milestone's id, so its faults are shown beside it.
OF_TASKS = Headings(
    form="tasks",
    names=_OF_TASKS,
    identify=frozenset({"milestone_id"}),
    told=("percent", "narrative", "problems", "next_steps", "expected_date"),
    about=("milestone_id",),
    place=frozenset(),
    shown={"milestone_id": ("title", "milestone_id"), "": ("title", "milestone_id")},
)

_OF_ASSESSMENTS: Mapping[str, tuple[str, ...]] = {
    "period": ("周期", "报告期", "period"),
    "subject_code": ("对象编号", "单位编号", "村编号", "行编号", "subject_code"),
    "subject_name": ("对象名称", "评估对象", "单位名称", "村名", "subject_name"),
    "organization_code": ("责任单位", "所属单位", "organization_code"),
    "item_code": ("项目编号", "项目代码", "item_code"),
    "item_name": ("项目名称", "评分项", "item_name"),
    "missing": ("缺少的要素", "缺少要素", "缺项", "missing"),
    "sampled": ("抽查数", "sampled"),
    "count": ("数量", "次数", "件数", "count"),
    "key_count": ("其中重点", "key_count"),
    "counts": ("各问题次数", "counts"),
    "value": ("数值", "value"),
    "change": ("变化", "change"),
    "figures": ("各路径数值", "figures"),
    "zeroed_by": ("零分情形", "zeroed_by"),
    "not_applicable_reason": ("不适用原因", "不适用", "not_applicable_reason"),
    "evidence": ("佐证材料", "evidence"),
    "note": ("备注", "note"),
    AS_MADE: _MARK,
    "": ("序号", "满分", "得分", "填写要求", "总分", "颜色", "日期", "评估人", "审核人", "电话"),
}

OF_ASSESSMENTS = Headings(
    form="assessments",
    names=_OF_ASSESSMENTS,
    identify=frozenset({"item_code", "item_name"}),
    told=FOUND,
    about=("period", "subject_code", "item_code"),
    place=frozenset({"period", "subject_code", "subject_name", "item_code", "organization_code"}),
    shown={
        "item_code": ("item_code", "item_name"),
        "subject_code": ("subject_code", "subject_name"),
        "village_code": ("subject_code",),
        "village_name": ("subject_name", "subject_code"),
        "row_id": ("subject_code",),
        "organization_code": ("organization_code", "subject_code", "subject_name"),
        "": ("subject_code", "subject_name"),
    },
)

_LONGEST_HEADING = 60
_LOOKED_AT = 30


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """The layout of a sheet: the row of its headings, and columns and headings by key.

    `ignored` are headings of columns that are not imported, `twice` those that repeat another
    column's key. `last` is the last column that has a heading.
    """

    row: int
    at: Mapping[str, int]
    headings: Mapping[str, str]
    known: Headings
    ignored: tuple[str, ...] = ()
    twice: Mapping[int, str] = field(default_factory=dict)
    last: int = 0

    def beyond(self, row: SheetRow) -> int | None:
        """Return the first column behind the last heading in which a row has a value."""
        return min((column for column in row.cells if column > self.last), default=None)


def columns_of_sheet(rows: Iterable[SheetRow], known: Headings) -> SheetColumns | None:
    """Return the columns by the first row that has headings of a form; None: no row has.

    Such a row names columns of the key and of values. The first 30 rows are searched.
    """
    for looked_at, row in enumerate(rows):
        if looked_at >= _LOOKED_AT:
            return None
        found = _matched(row, known)
        if not known.identify.isdisjoint(found.at) and not found.at.keys().isdisjoint(known.told):
            return found
    return None


def _matched(row: SheetRow, known: Headings) -> SheetColumns:
    at: dict[str, int] = {}
    headings: dict[str, str] = {}
    ignored, twice = [], {}
    for column, cell in row.cells.items():
        shown = trimmed(cell.text)
        key = known.key_of(shown)
        if not key:
            if shown:
                ignored.append(shown[:_LONGEST_HEADING])
        elif key in at:
            twice[column] = shown[:_LONGEST_HEADING]
        else:
            at[key], headings[key] = column, shown[:_LONGEST_HEADING]
    last = max((column for column, cell in row.cells.items() if trimmed(cell.text)), default=0)
    return SheetColumns(row.number, at, headings, known, tuple(ignored), twice, last)
