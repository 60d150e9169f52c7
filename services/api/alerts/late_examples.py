"""What the contract shows of what is late: a value that nobody reported, with a promise."""

from services.api.contract.shown import Example

LATE = Example(
    "Late",
    "What is late, by organization, the gravest first",
    {
        "items": [
            {
                "rule": "report_due",
                "subject": {"kind": "obligation", "id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5b11"},
                "organization_code": "UN15",
                "organization_name": "市城管局",
                "unit": "UN15",
                "measure_code": None,
                "indicator_code": "U08",
                "title": "（城区）生活垃圾回收利用率 2025",
                "level": 2,
                "due_date": "2026-01-30",
                "late_since": "2026-01-31",
                "days_overdue": 3,
                "alert_id": "019bb0f1-6b00-7a10-8a44-0d6c0f0e5b01",
                "answer": {
                    "by": "市城管局填报员",
                    "organization_code": "UN15",
                    "note": "数据正在核对",
                    "promised_date": "2026-02-06",
                    "answered_at": "2026-02-03T02:00:00Z",
                },
            }
        ],
        "next_page_token": None,
    },
)
