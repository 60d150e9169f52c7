"""What the contract shows of progress: the task of farm waste, by its milestones and indicators."""

from typing import Any

from services.api.contract.shown import Example

_SUM: dict[str, Any] = {
    "percent": "55",
    "display": "55.00",
    "weight": "3",
    "milestones": 2,
    "closed": 0,
    "overdue": 0,
    "next_due_date": "2026-09-30",
    "whole": True,
    "light": "yellow",
    "reason": "1 项里程碑亮黄灯",
    "reason_en": "Yellow milestones: 1",
    "reason_code": "milestones_yellow",
}
_MEASURE = {
    **_SUM,
    "code": "14.1",
    "lead_units": ["UN10"],
    "indicators": ["U05", "U03"],
}
_TASK = {
    **_SUM,
    "number": 14,
    "organization_code": None,
    "name": "推进农业固体废物综合利用",
    "measures": [_MEASURE],
    "indicators": [
        {
            "code": "U05",
            "name": "废旧农膜回收率",
            "light": "green",
            "reason": "已达到2025年目标（≥95%）",
            "reason_en": "The 2025 target (≥95%) is met",
        },
        {
            "code": "U03",
            "name": "秸秆综合利用率",
            "light": "grey",
            "reason": "本期尚未开放填报",
            "reason_en": "The period has not been opened for reporting",
        },
    ],
}
_HEAD = {"plan": "410183-2025", "period": "2025", "local_date": "2026-09-18"}

PROGRESS_OF_TASKS = Example(
    "ProgressOfTasks",
    "How far the tasks are",
    {**_HEAD, "by": "task", "items": [_TASK], "next_page_token": None},
)
PROGRESS_OF_TASK = Example("ProgressOfTask", "How far one task is", {**_HEAD, **_TASK})
