"""The append-only tables: no program of ours changes or removes a row of them.

They are the log with its positions, the audit with its chain and its heads, reminders, histories,
and versions of score sheets with what was published by them. The services' role may only read and
insert there; a function of the schema drops old partitions of the audit, behind a signed head.
"""

from services.core.registry import metadata

_LOGS = frozenset(
    {
        "assessment_revision",
        "audit_checkpoint",
        "audit_entry",
        "audit_link",
        "event",
        "event_position",
        "reminder",
        "score_sheet_version",
    }
)
_HISTORY = "_history"


def append_only() -> frozenset[str]:
    """Return the names of the append-only tables."""
    return _LOGS | {name for name in metadata.tables if name.endswith(_HISTORY)}
