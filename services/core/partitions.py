"""Which tables are cut by time, by which key, and how long their rows are kept.

The log, the history of submissions and the audit are kept: scores are made anew from the first
two, and how long the third has to be kept is for whoever runs this to say.
"""

from collections.abc import Sequence
from datetime import timedelta

from services.core.kit.partitions import CutTable, TimeSpan
from services.core.webhooks.rules import KEPT


def cut_tables(*, audit_kept: timedelta | None = None) -> Sequence[CutTable]:
    """Return the tables cut by time; `audit_kept` is how long the audit is kept, None: for ever."""
    return (
        CutTable("audit_entry", "id", TimeSpan.QUARTER, audit_kept),
        CutTable("event", "id", TimeSpan.QUARTER),
        CutTable("submission_history", "submission_id", TimeSpan.QUARTER),
        CutTable("webhook_attempt", "delivery_id", TimeSpan.MONTH, KEPT),
        CutTable("webhook_body", "event_id", TimeSpan.MONTH, KEPT),
    )
