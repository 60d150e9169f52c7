"""What the contract shows of working days."""

from typing import Any

from services.api.contract.shown import Example

CALENDARS = Example(
    "Calendars",
    "The calendars of a city",
    {
        "items": [
            {
                "code": "CN",
                "years": [
                    {
                        "year": 2026,
                        "source": "国务院办公厅节假日安排（chinesecalendar 1.11.0）",
                        "version": 1,
                        "changed_at": "2025-12-01T02:00:00Z",
                    }
                ],
            }
        ],
        "next_page_token": None,
    },
)

_SOURCE = "示例：国务院办公厅关于2027年部分节假日安排的通知"
_DAYS: list[dict[str, Any]] = [
    {"date": "2027-01-01", "kind": "rest", "note": "元旦"},
    {"date": "2027-10-09", "kind": "workday", "note": "国庆节调休"},
]
YEAR = Example(
    "AnnouncedYear",
    "The exceptional days of a year, with the document that announces them",
    {"source": _SOURCE, "days": _DAYS},
)
TABLE = Example(
    "AnnouncedYearTable",
    "The same as a table; the document is named in the query",
    "date,kind,note\n2027-01-01,rest,元旦\n2027-10-09,workday,国庆节调休\n",
)

_SHOWN: list[dict[str, Any]] = [
    {"date": "2026-10-09", "kind": "workday", "note": None},
    {"date": "2026-10-10", "kind": "workday", "note": "国庆节调休"},
    {"date": "2026-10-11", "kind": "rest", "note": None},
]
CALENDAR_YEAR = Example(
    "CalendarYear",
    "A year, of which three days are shown here",
    {
        "code": "CN",
        "year": 2026,
        "status": "official",
        "source": "国务院办公厅节假日安排（chinesecalendar 1.11.0）",
        "version": 1,
        "unknown": [],
        "days": _SHOWN,
    },
)
REPLACED = Example(
    "CalendarYearReplaced",
    "The year as it is now, of which two days are shown here",
    {
        "code": "CN",
        "year": 2027,
        "status": "official",
        "source": _SOURCE,
        "version": 2,
        "unknown": [],
        "days": _DAYS,
    },
)
