"""The tables that the few statements across cities read; all others show one city at a time.

`tests/support/statements_sent.py` names those statements, each with its reason.
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
"""The names of these tables."""
