"""What the contract shows of plans: Xinmi's plan as printed, and a small plan of our own."""

from typing import Any

from services.api.contract.shown import Example

_CITY_CLEANING = {"code": "UN15", "name": "市城管局", "acting": False}
_AGRICULTURE = {"code": "UN10", "name": "市农委", "acting": False}

_DOCUMENT: dict[str, Any] = {
    "format": "wufei-plan/1",
    "code": "410183-2030",
    "title": "新密市“十五五”时期“无废城市”建设实施方案（示例）",
    "city": {"code": "410183", "name": "新密市", "superior": "郑州市"},
    "status": "draft",
    "status_text": "示例",
    "time_zone": "Asia/Shanghai",
    "span": {"start": "2026-01-01", "end": "2030-12-31"},
    "due_days": {"annual": 31, "half_yearly": 20, "quarterly": 15, "monthly": 10},
    "scheme": {
        "name": "completion-rate",
        "version": "1",
        "floor": "0",
        "display_places": 2,
        "weights": {"mandatory": "2", "optional": "1", "self_selected": "1"},
        "gate": {
            "grades": [
                {"code": "pass", "name": "合格", "minimum": "60"},
                {"code": "fail", "name": "不合格", "minimum": "0"},
            ],
            "minimum_coverage": "0.6",
        },
        "lights": {"green_pace": "1", "yellow_pace": "0.8"},
    },
    "groups": [{"code": "U", "name": "固体废物资源化利用"}],
    "organizations": [
        {"code": "UN15", "name": "市城管局", "kind": "government_department"},
        {
            "code": "410183107",
            "name": "刘寨镇政府",
            "kind": "township",
            "administrative_code": "410183107",
        },
    ],
    "indicators": [
        {
            "code": "U08",
            "name": "（城区）生活垃圾回收利用率",
            "printed_name": "（城区）生活垃圾回收利用率★",
            "group": "U",
            "level1": "固体废物资源化利用",
            "level2": "生活领域固体废物资源化利用",
            "selection": "mandatory",
            "unit": "%",
            "baseline": {"year": 2025, "value": "40.37", "text": "40.37"},
            "targets": [{"year": 2030, "kind": "at_least", "value": "45", "text": "≥45"}],
            "direction": "higher_better",
            "owners": ["UN15"],
            "owner_text": "市城管局",
        }
    ],
    "tasks": [
        {
            "number": 1,
            "section": "践行绿色生活，推进生活垃圾减量和资源化",
            "title": "推进生活垃圾分类",
            "measures": [
                {
                    "code": "1.1",
                    "text": "到2030年，城区生活垃圾回收利用率达到45%以上。",
                    "lead_units": ["UN15"],
                    "lead_text": "市城管局",
                    "responsible_units": ["410183107"],
                    "responsible_text": "刘寨镇政府",
                    "deadline": 2030,
                }
            ],
        }
    ],
}
DOCUMENT = Example("PlanDocument", "A small, complete plan", _DOCUMENT)

_LOADED = {"code": "410183-2030", "city_code": "410183"}
CREATED = Example("PlanCreated", "A new plan", {"outcome": "created", "version": 1, **_LOADED})
NEW_VERSION = Example(
    "PlanNewVersion",
    "A new version of a plan, or nothing where the document is the same",
    {"outcome": "new_version", "version": 2, **_LOADED},
)

_HEAD = {
    "code": "410183-2025",
    "city_code": "410183",
    "city": "新密市",
    "title": "新密市“十四五”时期“无废城市”建设实施方案",
    "version": 1,
    "status": "draft",
    "status_text": "征求意见稿",
    "start": "2021-01-01",
    "end": "2025-12-31",
    "time_zone": "Asia/Shanghai",
    "fiscal_year_begins": "01-01",
    "indicators": 48,
    "tasks": 21,
    "measures": 27,
    "organizations": 57,
    "open_questions": 24,
    "notes": ["“★”表示必选指标。", "“*”代表指标相比国家指标做了微调。"],
}
PLANS = Example(
    "Plans", "The plans in the caller's scope", {"items": [_HEAD], "next_page_token": None}
)

_QUESTION: dict[str, Any] = {
    "id": "T04",
    "subjects": ["indicator:U03", "indicator:U05", "measure:14.1"],
    "text": "正文为“95%以上”“97%以上”，附件2为“>95”“>97”：恰为95或97时，一处达标、一处不达标。",
    "text_en": "The text says 95 % / 97 % or above, the table says >95 / >97.",
    "needs_decision": True,
    "effect": "none",
    "settlement": None,
}
DECISION = Example(
    "Decision",
    "The decision on an open question",
    {
        "decision": "以附件2的表为准，恰为95或97不达标",
        "document_number": "新无废办〔2025〕3号",
        "document_date": "2025-05-06",
    },
)
SETTLED = Example(
    "QuestionSettled",
    "The question with its decision",
    {
        **_QUESTION,
        "settlement": {
            "decision": "以附件2的表为准，恰为95或97不达标",
            "document_number": "新无废办〔2025〕3号",
            "document_date": "2025-05-06",
            "settled_at": "2025-05-06T08:30:00Z",
        },
    },
)

_OPEN: dict[str, Any] = {
    "plan": "410183-2025",
    "period": "2025",
    "state": "open",
    "first_day": "2025-01-01",
    "last_day": "2025-12-31",
    "due_date": "2026-01-31",
    "opened_at": "2025-12-25T01:00:00Z",
    "closed_at": None,
    "published_at": None,
    "publication_number": None,
    "allowed_actions": ["close", "publish", "cancel"],
}
_CLOSED = {
    **_OPEN,
    "state": "closed",
    "closed_at": "2026-02-01T01:00:00Z",
    "allowed_actions": ["publish", "reopen"],
}
_ASKING: dict[str, Any] = {
    "asks_for": {
        "values": 48,
        "organizations": [{"organization_code": "UN15", "name": "市城管局", "values": 48}],
    },
    "warnings": [
        {
            "code": "due-on-rest-day",
            "message": "截止日 2026-01-31 是休息日，仍以该日 24:00 为准，不顺延",
            "message_en": "The due date 2026-01-31 is a day of rest; it holds all the same,"
            " until its 24:00",
        }
    ],
}
OPENING = Example("Opening", "Until when, or no body at all", {"due_date": "2026-01-31"})
CANCELLED = Example(
    "PeriodCancelled",
    "The period, its opening taken back",
    {**_OPEN, "state": "planned", "allowed_actions": ["open"]},
)
REOPENING = Example(
    "Reopening",
    "Why, and more time",
    {"due_date": "2026-03-13", "reason": "UN15 更正了 2025 年的分子"},
)
PERIODS = Example("Periods", "The periods ever opened", {"items": [_OPEN], "next_page_token": None})
OPENED = Example("PeriodOpened", "The period, open", {**_OPEN, **_ASKING})
CLOSED = Example("PeriodClosed", "The period, closed", _CLOSED)
PUBLISHED = Example(
    "PeriodPublished",
    "The period, its scoreboard frozen under a number",
    {
        **_CLOSED,
        "state": "published",
        "published_at": "2026-02-10T02:00:00Z",
        "publication_number": 1,
        "allowed_actions": ["reopen"],
    },
)
REOPENED = Example(
    "PeriodReopened",
    "The period, open again",
    {
        **_OPEN,
        **_ASKING,
        "due_date": "2026-03-13",
        "allowed_actions": ["close", "publish"],
        "warnings": [],
    },
)
PLAN = Example(
    "Plan",
    "The plan, its document, periods and open questions",
    {
        **_HEAD,
        "questions": [_QUESTION],
        "periods": [_OPEN],
        "calendar": {"code": "CN", "announced_until": 2026, "awaits_notice": False},
        "document": _DOCUMENT,
    },
)

_TARGET = {
    "year": 2025,
    "kind": "at_least",
    "value": "40",
    "upper": None,
    "conditions": [],
    "target_date": "2025-12-31",
    "text": "40",
    "assigned_by": None,
    "assigned": None,
}
_INDICATOR = {
    "code": "U08",
    "row": 21,
    "name": "（城区）生活垃圾回收利用率",
    "printed_name": "（城区）生活垃圾回收利用率★",
    "group": "U",
    "level1": "固体废物资源化利用",
    "level2": "生活领域固体废物资源化利用",
    "part_of": None,
    "selection": "mandatory",
    "adjusted": False,
    "unit": "%",
    "baseline": {"year": 2022, "value": "38", "text": "38"},
    "target": _TARGET,
    "targets": [_TARGET],
    "unit_targets": [],
    "direction": "higher_better",
    "comparison": "same_period_last_year",
    "attainment": "graded",
    "level_with_value": False,
    "aggregation": {"units": "direct", "periods": "ratio_of_sums"},
    "frequency": "annual",
    "owners": [_CITY_CLEANING],
    "owner_text": "市城管局",
    "levels": [],
    "formula": {
        "kind": "ratio",
        "expression": "生活垃圾回收利用量 ÷ 生活垃圾产生量 × 100%",
        "numerator": {"name": "生活垃圾回收利用量", "unit": "万吨"},
        "denominator": {"name": "生活垃圾产生量", "unit": "万吨"},
        "multiplier": "100",
        "base_year": None,
        "sign_convention": None,
        "source": "已见网页，非官方来源",
        "source_reference": None,
        "confidence": "high",
        "note": None,
    },
    "scope": "城区（见指标名称）",
    "weight": None,
    "linked_measures": ["5.1"],
    "quality_flags": [],
    "open_questions": [
        {
            "id": "T16",
            "subjects": ["indicator:R11", "indicator:U08"],
            "text": "现状值98、38与郑州市2022年的计划目标相同，可能是计划值而非实测值。",
            "text_en": "Baselines 98 and 38 equal Zhengzhou's goals for 2022.",
            "needs_decision": True,
            "effect": "none",
            "settlement": None,
        }
    ],
}
INDICATOR = Example("Indicator", "One indicator", _INDICATOR)
INDICATORS = Example(
    "Indicators",
    "The indicators of the plan",
    {"items": [_INDICATOR], "next_page_token": None, "plan_status": "draft"},
)

_TASK = {
    "number": 14,
    "section": "发展无废农业，推进农业固体废物高效利用",
    "section_number": "四",
    "title": "统筹推进农业废弃物资源化利用",
    "measures": [
        {
            "code": "14.1",
            "text": "到2025年，农膜回收率达到97%以上，秸秆综合利用率达到95%以上。",
            "lead_units": [_AGRICULTURE],
            "lead_text": "市农委",
            "responsible_units": [{"code": "UN14", "name": "市商务局", "acting": False}],
            "responsible_text": "市商务局",
            "deadline": 2025,
            "deadline_date": None,
            "targets": [
                {
                    "quote": "秸秆综合利用率达到95%以上",
                    "kind": "at_least",
                    "indicator": "U03",
                    "related_indicator": None,
                    "value": "95",
                    "unit": "%",
                    "year": 2025,
                    "base_year": None,
                    "note": "附件2为 >95，不含本数（T04）。",
                }
            ],
            "related_indicators": [],
            "open_questions": [_QUESTION],
        }
    ],
}
TASK = Example("Task", "One task with its measures", _TASK)
TASKS = Example("Tasks", "The tasks of the plan", {"items": [_TASK], "next_page_token": None})

ASSIGNMENT = Example(
    "Assignment",
    "A target that Zhengzhou assigns",
    {
        "kind": "at_most",
        "value": "0.60",
        "document_number": "郑环文〔2025〕18号",
        "document_date": "2025-03-20",
    },
)
_ASSIGNED = {
    "year": 2025,
    "kind": "at_most",
    "value": "0.6",
    "upper": None,
    "conditions": [],
    "text": None,
    "document_number": "郑环文〔2025〕18号",
    "document_date": "2025-03-20",
    "attachment": None,
    "assigned_at": "2025-03-24T06:12:00Z",
    "sequence": 1,
}
ASSIGNED = Example("Assigned", "The assigned target, as recorded", _ASSIGNED)
ASSIGNMENTS = Example(
    "Assignments",
    "The targets assigned for the year",
    {"items": [_ASSIGNED], "next_page_token": None},
)
