"""Which tables the few statements across cities read: every other shows one city at a time.

Those statements are named, each with its reason, in `tests/support/statements_sent.py`.
"""

READ_ACROSS = frozenset(
    {
        "alert_evaluation",
        "city",
        "connector",
        "connector_item",
        "event_pending",
        "event_position",
        "evidence_archive",
        "file_drop",
        "log_head",
        "paper",
        "plan",
        "plan_version",
        "reader_cursor",
        "sheet_import",
        "webhook_delivery",
        "webhook_endpoint",
    }
)
"""Their names."""
