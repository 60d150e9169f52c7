"""What the contract shows of alerts: a milestone two days from red."""

from typing import Any

from services.api.contract.shown import Example
from services.core.alerts.rule_set import default_rules_of

_KEY = "7d3f1c0a5b2e4d6f8091a2b3c4d5e6f70718293a4b5c6d7e8f90a1b2c3d4e5f6"

_ALERT: dict[str, Any] = {
    "id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5b01",
    "alert_key": _KEY,
    "plan": "410183-2025",
    "rule": "milestone_due",
    "subject": {"kind": "milestone", "id": "019aafc0-0000-7000-8000-0000000000c1"},
    "title": "新建3处农膜回收网点",
    "organization_code": "UN10",
    "measure_code": "14.1",
    "indicator_code": None,
    "epoch": 1,
    "due_date": "2026-11-20",
    "stage": "O+3",
    "repeat": 0,
    "level": 2,
    "seq": 4,
    "state": "open",
    "message": "【橙色督办】市农委的里程碑“新建3处农膜回收网点”已逾期5天（期限2026-11-20）",
    "message_en": "[Orange] Milestone “新建3处农膜回收网点” of 市农委 is 5 days overdue"
    " (due 2026-11-20)",
    "recipients": [{"organization_code": "UN10", "function": "clerk", "filled_by": None}],
    "calendar": "official",
    "hold_until": None,
    "promised_date": None,
    "answer": None,
    "raised_at": "2026-10-21T01:00:00Z",
    "updated_at": "2026-11-25T00:30:00Z",
    "resolved_at": None,
    "resolved_reason": None,
    "allowed_actions": ["acknowledge", "snooze"],
}
_NOTICE = {
    "stage": "O+3",
    "repeat": 0,
    "level": 2,
    "outcome": "given",
    "event_id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5b02",
    "rules_version": 0,
    "calendar_version": 1,
    "decided_at": "2026-11-25T00:30:00Z",
}
_DETAIL = {**_ALERT, "notices": [_NOTICE]}
_ANSWERED = {
    **_DETAIL,
    "seq": 5,
    "state": "acknowledged",
    "answer": "设备已到场，元旦后完成安装",
    "promised_date": "2027-01-15",
    "hold_until": "2026-11-30",
    "updated_at": "2026-11-25T02:00:00Z",
    "allowed_actions": ["snooze"],
}

ALERTS = Example("Alerts", "A page of alerts", {"items": [_ALERT], "next_page_token": None})
ALERT = Example("Alert", "One alert with its notices", _DETAIL)
ACKNOWLEDGE = Example(
    "Acknowledge",
    "What is done, and by when",
    {"note": "设备已到场，元旦后完成安装", "promised_date": "2027-01-15"},
)
ACKNOWLEDGED = Example("AlertAcknowledged", "The next notice waits", _ANSWERED)
SNOOZE = Example("Snooze", "It can wait", {"until": "2026-12-10", "reason": "等待上级批复"})
SNOOZED = Example(
    "AlertSnoozed",
    "Told of again on that day",
    {
        **_ANSWERED,
        "state": "snoozed",
        "answer": "等待上级批复",
        "promised_date": None,
        "hold_until": "2026-12-10",
    },
)
HISTORY = Example(
    "AlertHistory",
    "The changes of an alert",
    {
        "items": [
            {
                "version": 1,
                "action": "given",
                "after": {"stage": "T-7", "level": 0, "state": "open", "seq": 1},
                "actor": {"kind": "system", "name": "alerts"},
                "reason": None,
                "rules_version": 0,
                "calendar_version": 1,
                "occurred_at": "2026-11-11T01:00:00Z",
            }
        ],
        "next_page_token": None,
    },
)

_RULES = default_rules_of("UN04").model_dump(mode="json")
RULE_SET = Example("AlertRuleSet", "The default rules, which may be changed", _RULES)
RULES = Example(
    "AlertRules",
    "The rules in force: the defaults",
    {
        "plan": "410183-2025",
        "version": 0,
        "changed_at": None,
        "changed_by": None,
        "rule_set": _RULES,
    },
)
RULES_CHANGED = Example(
    "AlertRulesChanged",
    "The first change",
    {
        "plan": "410183-2025",
        "version": 1,
        "changed_at": "2026-01-14T07:40:00.518204Z",
        "changed_by": {"kind": "api_key", "name": "领导小组办公室", "role": "office"},
        "rule_set": _RULES,
    },
)
TRIAL = Example(
    "AlertTrial", "The rules in force, on a day to come", {"at": "2026-12-30T09:00:00+08:00"}
)
TRIED = Example(
    "AlertTried",
    "What would be told",
    {
        "at": "2026-12-30T01:00:00Z",
        "told": 1,
        "withheld": 0,
        "resolved": 0,
        "digests": 0,
        "counts": [
            {
                "rule": "milestone_due",
                "stage": "T-1",
                "level": 1,
                "outcome": "given",
                "count": 1,
            }
        ],
        "notices": [
            {
                "rule": "milestone_due",
                "stage": "T-1",
                "repeat": 0,
                "level": 1,
                "outcome": "given",
                "subject": {
                    "kind": "milestone",
                    "id": "019aafc0-0000-7000-8000-0000000000c1",
                },
                "organization_code": "UN10",
                "due_date": "2026-12-31",
                "message": "【蓝色督办】市农委的里程碑“新建3处农膜回收网点”"
                "将于2026-12-31到期（还有1天）",
                "message_en": "[Blue] Milestone “新建3处农膜回收网点” of 市农委 is due on"
                " 2026-12-31 (in 1 day)",
            }
        ],
    },
)
