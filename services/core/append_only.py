"""Which tables only ever grow: no program of ours changes or removes a row of them.

The log with its numbers, the audit with its chain and its heads, every reminder, every history,
versions of score sheets and what was published by them. The role of the services may only read them
and add to them; old parts of the audit are dropped by a function of the schema, behind a signed
head.
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
    """Return their names."""
    return _LOGS | {name for name in metadata.tables if name.endswith(_HISTORY)}
