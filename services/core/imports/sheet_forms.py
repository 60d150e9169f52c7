"""The forms that go out: their columns as printed, and which of them are prefilled. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

FormName = Literal["indicators", "tasks"]
"""`indicators` is the official form 01, `tasks` the official form 02."""

SheetKind = Literal["indicators", "tasks", "register", "assessments"]
"""The kind of an imported sheet's rows: an official form's, a register's, or a score sheet's."""

FORM_SHEET = "填报"
"""The name of a form's sheet that is filled in."""

STAMP_SHEET = "_meta"
"""The name of the hidden sheet that holds the signed stamp."""


Filled = str | Decimal | None
"""The value of a form's cell."""

AS_MADE = "as_made"
"""The key of the column with the marks of rows (`as_made`)."""


@dataclass(frozen=True, slots=True)
class FormColumn:
    """A column of a form: its key, its heading, its width in characters.

    Units fill in the `filled` columns; the others are printed and locked. `hidden` columns identify
    a row when it comes back.
    """

    key: str
    heading: str
    width: int
    filled: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ReportForm:
    """A form: the kind of its rows, its number, its title, and its columns from the left."""

    name: SheetKind
    number: str
    title: str
    columns: tuple[FormColumn, ...]


MADE_COLUMN = FormColumn(AS_MADE, "制表时内容", 12, hidden=True)
"""The column with the marks of rows."""

INDICATORS = ReportForm(
    "indicators",
    "01",
    "指标填报表",
    (
        FormColumn("number", "序号", 6),
        FormColumn("indicator_code", "指标编号", 10),
        FormColumn("indicator_name", "指标名称", 34),
        FormColumn("unit_of_measure", "计量单位", 10),
        FormColumn("definition", "口径说明", 40),
        FormColumn("baseline", "基期值", 12),
        FormColumn("target", "目标值", 16),
        FormColumn("last_value", "上期值", 12),
        FormColumn("numerator", "本期分子", 14, filled=True),
        FormColumn("denominator", "本期分母", 14, filled=True),
        FormColumn("value", "本期值", 14, filled=True),
        FormColumn("level", "本期等级", 16, filled=True),
        FormColumn("not_applicable_reason", "不适用原因", 20, filled=True),
        FormColumn("time_semantics", "累计/时点", 10),
        FormColumn("source", "数据来源", 20, filled=True),
        FormColumn("data_status", "数据状态", 10, filled=True),
        FormColumn("evidence", "佐证材料名称", 20, filled=True),
        FormColumn("change_reason", "变化原因", 24, filled=True),
        FormColumn("note", "备注", 24, filled=True),
        MADE_COLUMN,
    ),
)

TASKS = ReportForm(
    "tasks",
    "02",
    "任务进展表",
    (
        FormColumn("task", "任务编号", 10),
        FormColumn("measure", "任务内容", 50),
        FormColumn("leading_units", "牵头单位", 20),
        FormColumn("responsible_units", "责任单位", 24),
        FormColumn("milestone_id", "里程碑编号", 12, hidden=True),
        FormColumn("title", "里程碑", 30),
        FormColumn("due_date", "里程碑时限", 12),
        FormColumn("state", "完成情况", 10),
        FormColumn("percent", "完成百分比", 11, filled=True),
        FormColumn("narrative", "进展描述", 36, filled=True),
        FormColumn("problems", "存在问题", 30, filled=True),
        FormColumn("next_steps", "下一步措施", 30, filled=True),
        FormColumn("expected_date", "预计完成", 12, filled=True),
        MADE_COLUMN,
    ),
)

FORMS: dict[FormName, ReportForm] = {"indicators": INDICATORS, "tasks": TASKS}
"""Every form by its name."""

DATA_STATUSES = {"final": "核定", "provisional": "初步"}
"""The words of a form for the statuses of data."""

TIME_SEMANTICS = {
    "annual_flow": "累计",
    "cumulative_stock": "累计",
    "cumulative_vs_base_year": "累计",
    "year_end_state": "时点",
    "state": "时点",
    "survey_wave": "调查",
    "change_vs_base_year": "较基期",
}
"""The words of a form for whether a value is of a stretch of time or of its end."""

MILESTONE_STATES = {
    "assigned": "待签收",
    "accepted": "未开始",
    "declined": "已退回",
    "in_progress": "推进中",
    "completed": "待销号",
    "returned": "退回整改",
    "closed": "已完成",
    "cancelled": "已取消",
}
"""The words of a form for the states of a milestone."""

_GAP = " " * 14
FOOTER = _GAP.join(("单位负责人：", "审核人：", "填报人：", "联系电话：", "填报日期：", "（盖章）"))
"""The line for signatures below the rows."""
