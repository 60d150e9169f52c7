"""What the contract shows of scores: the city's recycling rate in 2025, and its trace."""

from typing import Any

from services.api.contract.shown import Example

_TARGET = {"year": 2025, "kind": "at_least", "value": "40", "text": "40", "source": "plan"}
_STANDING: dict[str, Any] = {
    "state": "scored",
    "value": "40.37914691943127962085",
    "level": None,
    "display": "40.38",
    "target": _TARGET,
    "target_date_passed": True,
    "met": True,
    "attainment": "100",
    "pace": "1.18957345971563981043",
    "light": "green",
    "reason": "已达到2025年目标（40）",
    "reason_en": "The 2025 target (40) is met",
    "reason_code": "met",
    "data_status": "final",
    "falsified": False,
    "reporting": {"expected": 1, "reported": 1, "overdue": 0, "absent": []},
}
_ROW = {
    "code": "U08",
    "name": "（城区）生活垃圾回收利用率",
    "group": "U",
    "selection": "mandatory",
    "unit": "%",
    "weight": "2",
    **_STANDING,
}
_METHOD = {"name": "completion-rate", "version": "1"}
_OFFICE = {"kind": "api_key", "name": "无废办", "role": "office", "organization_code": None}
SCOREBOARD = Example(
    "Scoreboard",
    "The scoreboard of 2025",
    {
        "plan": "410183-2025",
        "plan_version": 1,
        "plan_status": "draft",
        "period": "2025",
        "basis": "approved",
        "as_of": "2026-01-14T07:40:01.020417Z",
        "position": 63,
        "local_date": "2026-01-14",
        "method": _METHOD,
        "publication_number": None,
        "overall": {
            "score": "83.70513",
            "display": "83.71",
            "grade": "good",
            "grade_name": "良好",
            "coverage": "0.97222222222222222222",
            "gate": {
                "grade_by_score": "good",
                "minimum_coverage": "0.6",
                "bands": [
                    {"code": "excellent", "name": "优秀", "minimum": "90"},
                    {"code": "good", "name": "良好", "minimum": "80"},
                    {"code": "pass", "name": "合格", "minimum": "60"},
                    {"code": "fail", "name": "不合格", "minimum": "0"},
                ],
                "mandatory_not_met": [],
                "mandatory_not_met_cap": "good",
                "falsified": [],
                "falsified_grade": "fail",
                "reasons": [],
            },
        },
        "groups": [
            {
                "code": "U",
                "name": "固体废物资源化利用",
                "score": "91.11111111111111111111",
                "display": "91.11",
                "weight": "18",
                "coverage": "1",
                "reason_code": None,
                "reason": None,
                "reason_en": None,
            }
        ],
        "indicators": [_ROW],
    },
)
PUBLICATIONS = Example(
    "Publications",
    "What was published",
    {
        "items": [
            {
                "number": 1,
                "period": "2025",
                "published_at": "2026-02-10T02:00:00Z",
                "published_by": _OFFICE,
                "score": "83.70513",
                "display": "83.71",
                "grade": "good",
                "reopened_at": "2026-03-02T01:00:00Z",
                "reopened_by": _OFFICE,
                "reopen_reason": "UN15 更正了 2025 年的分子",
            }
        ],
        "next_page_token": None,
    },
)
SERIES = Example(
    "Series",
    "An indicator over time",
    {
        "plan": "410183-2025",
        "indicator_code": "U08",
        "basis": "approved",
        "items": [{"period": "2025", **_STANDING}],
        "next_page_token": None,
    },
)
SCORE = Example(
    "Score",
    "One score with everything that it was made from",
    {
        "plan": "410183-2025",
        "indicator_code": "U08",
        "period": "2025",
        "basis": "approved",
        "position": 63,
        "method": _METHOD,
        "score": _ROW,
        "steps": [
            "2025，UN15：分子 8.52，分母 21.1",
            "数值 = 852 ÷ 21.1 = 40.379146…（分子已乘以 100）",
            "2025年目标（计划）：≥ 40",
            "已达到目标，完成度 100",
            "已达到2025年目标（40）",
        ],
        "trace": {
            "indicator": "U08",
            "period": "2025",
            "operators": {
                "units": "direct",
                "periods": "ratio_of_sums",
                "multiplier": "100",
                "by_level": False,
            },
            "operands": {
                "period": "2025",
                "reports": 1,
                "ratios": 1,
                "numerator_sum": "8.52",
                "denominator_sum": "21.1",
                "organization_code": "UN15",
            },
            "target": _TARGET,
            "result": {
                "state": "scored",
                "value": "40.37914691943127962085",
                "met": True,
                "attainment": "100",
                "light": "green",
                "reason_code": "met",
            },
        },
        "units": [],
        "units_outside_scope": 0,
        "submissions": [
            {
                "submission_id": "019aafc0-0000-7000-8000-000000000000",
                "revision": 1,
                "organization_code": "UN15",
                "period": "2025",
                "value": "40.37914691943127962085",
                "numerator": "8.52",
                "denominator": "21.1",
                "level": None,
                "not_applicable_reason": None,
                "provisional": False,
                "falsified": False,
            }
        ],
        "submissions_outside_scope": 0,
    },
)

_END: dict[str, Any] = {
    "as_of": "2026-02-10T02:00:00Z",
    "position": 63,
    "local_date": "2026-02-10",
    "plan_version": 1,
    "method": _METHOD,
    "publication_number": 1,
    "score": "83.70513",
    "display": "83.71",
}
CHANGES = Example(
    "ScoreboardChanges",
    "Why the score of 2025 changed",
    {
        "plan": "410183-2025",
        "period": "2025",
        "basis": "approved",
        "from": _END,
        "to": _END
        | {
            "as_of": "2026-03-02T01:00:00Z",
            "position": 71,
            "local_date": "2026-03-02",
            "publication_number": None,
            "score": "84.20513",
            "display": "84.21",
        },
        "difference": "0.5",
        "whole_plan": [],
        "indicators": [
            {
                "code": "U08",
                "name": "（城区）生活垃圾回收利用率",
                "group": "U",
                "before": {
                    "state": "scored",
                    "value": "39",
                    "attainment": "97.5",
                    "weight": "2",
                    "light": "red",
                },
                "after": {
                    "state": "scored",
                    "value": "40.38",
                    "attainment": "100",
                    "weight": "2",
                    "light": "green",
                },
                "difference": "0.5",
                "causes": [
                    {
                        "kind": "value",
                        "points": "0.5",
                        "events": [
                            {
                                "id": "019aafc0-0000-7000-8000-0000000000e1",
                                "position": 70,
                                "type": "submission.approved",
                                "occurred_at": "2026-03-02T01:00:00Z",
                                "actor": _OFFICE,
                            }
                        ],
                        "period": "2025",
                        "organization_code": "UN15",
                        "submission_id": "019aafc0-0000-7000-8000-000000000000",
                        "revision": 2,
                        "more_values": 0,
                        "outside_scope": False,
                    }
                ],
            }
        ],
    },
)
