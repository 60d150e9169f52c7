"""What the contract shows of waiting things and calendars."""

from services.api.contract.shown import Example

TODO = Example(
    "Todo",
    "What waits for a lead unit",
    {
        "items": [
            {
                "kind": "review",
                "title": "（城区）生活垃圾回收利用率",
                "due_date": "2026-01-19",
                "overdue": False,
                "days_left": 3,
                "days_overdue": None,
                "working_days_left": 3,
                "calendar": "official",
                "plan": "410183-2025",
                "organization_code": "UN15",
                "indicator_code": "U08",
                "measure_code": None,
                "period": "2025",
                "state": "submitted",
                "subject": {
                    "kind": "submission",
                    "id": "019aafc0-0000-7000-8000-000000000000",
                },
                "href": "/v1/submissions/019aafc0-0000-7000-8000-000000000000",
            }
        ],
        "next_page_token": None,
        "total": 1,
        "overdue": 0,
        "counts": {
            "report": {"waiting": 0, "overdue": 0},
            "correct": {"waiting": 0, "overdue": 0},
            "review": {"waiting": 1, "overdue": 0},
            "sign": {"waiting": 0, "overdue": 0},
            "progress": {"waiting": 0, "overdue": 0},
            "close": {"waiting": 0, "overdue": 0},
            "reassign": {"waiting": 0, "overdue": 0},
            "decide": {"waiting": 0, "overdue": 0},
        },
    },
)
TOKEN = Example("CalendarTokenAsked", "A unit's calendar", {"name": "科室日历", "scope": "unit"})

_MADE = {
    "id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5a77",
    "plan": "410183-2025",
    "name": "科室日历",
    "scope": "unit",
    "organization_code": "UN15",
    "prefix": "wufeical_410183_5f0c1a2b3c",
    "created_at": "2026-01-14T07:40:00.518204Z",
    "revoked_at": None,
}
TOKEN_MADE = Example(
    "CalendarTokenMade",
    "The address is shown this once",
    {
        **_MADE,
        "path": "/v1/plans/410183-2025/calendar.ics?token=wufeical_410183_5f0c1a2b3c_…",
    },
)
TOKENS = Example(
    "CalendarTokens", "The caller's tokens", {"items": [_MADE], "next_page_token": None}
)
_FILE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Wufei//Deadlines//ZH
REFRESH-INTERVAL;VALUE=DURATION:PT1H
X-PUBLISHED-TTL:PT1H
BEGIN:VEVENT
UID:milestone-019aafc0-0000-7000-8000-000000000000@wufei
SEQUENCE:3
DTSTAMP:20260114T074000Z
LAST-MODIFIED:20260114T074000Z
DTSTART;VALUE=DATE:20260630
DTEND;VALUE=DATE:20260701
SUMMARY:完成16家绿色工厂创建（2.1）
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR
"""
CALENDAR_FILE = Example("CalendarFile", "One deadline", _FILE.replace("\n", "\r\n"))
