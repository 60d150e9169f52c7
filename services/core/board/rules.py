"""How long a link to the board may be good, and as whom it reads. Pure."""

from datetime import datetime, timedelta
from uuid import UUID

from services.core.identity.actor import Actor
from services.core.identity.rules import Scope
from services.core.kit.errors import Fault
from services.core.kit.text import Text

LONGEST = timedelta(days=400)
"""A year, and some days to make the next one in."""

SHOWS: frozenset[Scope] = frozenset({"plan:read", "alerts:read"})
"""What a link opens: the plan's scores and what is late, no value of a unit and no evidence."""

_LINK = "link"


def end_faults(expires_at: datetime, now: datetime, place: str) -> list[Fault]:
    """Return what is wrong with the end of a new link."""
    if now < expires_at <= now + LONGEST:
        return []
    said = Text(
        f"应晚于现在，且不超过 {LONGEST.days} 天",
        f"It is later than now, and at most {LONGEST.days} days from now",
    )
    return [Fault(place, "end-out-of-range", said, expires_at.isoformat())]


def reader(*, link_id: UUID, city_code: str, plan_code: str, request_id: str) -> Actor:
    """Return as whom a link reads: a leader of the one plan, with less than a leader's scopes."""
    return Actor(
        credential_id=link_id,
        name=_LINK,
        role="leader",
        city_code=city_code,
        organization_code=None,
        plan_code=plan_code,
        scopes=SHOWS,
        every_city=False,
        channel="board",
        request_id=request_id,
    )
