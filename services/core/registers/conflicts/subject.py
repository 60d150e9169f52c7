"""Conflicts over rows of registers: who sees them, and the data of their events."""

from services.core.conflicts.subject import ConflictSubject
from services.core.plan.visibility import Owned
from services.core.registers.conflicts.models import RegisterRowConflict


def _told(conflict: RegisterRowConflict) -> dict[str, object]:
    return {
        "row_id": str(conflict.row_id),
        "register_code": conflict.register_code,
        "organization_code": conflict.organization_code,
        "title": conflict.title,
        "columns": conflict.columns,
    }


OVER_ROWS = ConflictSubject(
    table=RegisterRowConflict,
    # The owner of the row. Callers limited to confirmed data see no conflicts.
    owned=Owned(
        city="register_row_conflict.city_code",
        plan="register_row_conflict.plan_code",
        unit="register_row_conflict.organization_code",
        register="register_row_conflict.register_code",
    ),
    events={"raised": "register_row_conflict.raised", "decided": "register_row_conflict.decided"},
    told=_told,
)
