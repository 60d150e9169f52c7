"""The lifetime of a link to the board, and what it opens. Pure."""

from datetime import datetime, timedelta

from services.core.identity.rules import Scope
from services.core.kit.errors import Fault
from services.core.kit.text import Text

LONGEST = timedelta(days=400)
"""The longest lifetime of a link: a year, and some days to make the next one in."""

SHOWS: frozenset[Scope] = frozenset({"plan:read", "alerts:read"})
"""The rights of a link: the plan's scores and late items, no value of a unit and no evidence."""


def end_faults(expires_at: datetime, now: datetime, place: str) -> list[Fault]:
    """Return the faults of a new link's end."""
    if now < expires_at <= now + LONGEST:
        return []
    said = Text(
        f"应晚于现在，且不超过 {LONGEST.days} 天",
        f"It is later than now, and at most {LONGEST.days} days from now",
    )
    return [Fault(place, "end-out-of-range", said, expires_at.isoformat())]
