"""The iCalendar route for calendar programs: the token in the address is the only credential."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import body_etag, etags
from services.api.context import IfNoneMatch, PlanCode, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.routing import PublicRoute, admit
from services.core.agenda.calendar_file import calendar_file
from services.core.agenda.models import CalendarToken
from services.core.agenda.queries import DeadlineRow, deadlines, token_by_digest
from services.core.agenda.rules import Deadline
from services.core.calendars.queries import working_calendar
from services.core.calendars.rules import WorkingCalendar
from services.core.identity.errors import Unauthenticated
from services.core.kit.city_scope import enter_city
from services.core.kit.secrets import digest
from services.core.plan.errors import PlanNotFound
from services.core.plan.state import PlanState

router = APIRouter(prefix="/v1", tags=["agenda"], route_class=PublicRoute)

_BACK = timedelta(days=180)
_AHEAD = timedelta(days=1100)
_MOST = 5000
_LABEL_PARTS = 4
_MEDIA_TYPE = "text/calendar"

# One at a time, so that many calendars take no more CPU than one; each finds the cache entries that
# the one before it has written.
_one_at_a_time = CapacityLimiter(1)


async def token_of(
    request: Request,
    resources: ResourcesDep,
    plan_code: PlanCode,
    token: Annotated[str, Query(max_length=200, description="The secret of a calendar token")] = "",
) -> CalendarToken:
    """Return the calendar token in the address, before anything else of the request is checked.

    Raises:
        Unauthenticated: the token is not valid.
        PlanNotFound: it belongs to another plan.
    """
    parts = token.split("_", _LABEL_PARTS - 1)
    if len(parts) != _LABEL_PARTS or not token.isascii() or "\x00" in token:
        raise Unauthenticated
    now = resources.clock.true_now()
    enter_city(parts[1])
    async with resources.database.sessions() as session:
        found = await token_by_digest(session, city_code=parts[1], digest=digest(token), now=now)
    if found is None:
        raise Unauthenticated
    await admit(request, found.id, "heavy")
    if found.plan_code != plan_code:
        raise PlanNotFound
    return found


@router.get(
    "/plans/{plan}/calendar.ics",  # noqa: FAST003 (the name in the path is an alias)
    response_class=Response,
    responses={
        **answering("CalendarFile", ETAG, media_type=_MEDIA_TYPE),
        **refusals(404),
    },
    openapi_extra={"security": [{"calendar_token": []}]},
)
async def read_calendar(
    resources: ResourcesDep,
    found: Annotated[CalendarToken, Depends(token_of)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return deadlines as an iCalendar object (RFC 5545), for programs that subscribe.

    The address with its token is what `POST …/calendar-tokens` answered. It shows what fell due
    in the last 180 days, what is open however old it is, and what falls due in the next three
    years, at most 5,000 entries, the oldest first. SEQUENCE, DTSTAMP and LAST-MODIFIED of an
    entry grow whenever it says something else.
    """
    async with resources.database.sessions() as session:
        plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
        zone = plan.document.time_zone
        today = resources.clock.today(zone)
        rows = await deadlines(
            session,
            found,
            plan_version=plan.version,
            first=today - _BACK,
            last=today + _AHEAD,
            limit=_MOST,
        )
        calendar = await working_calendar(
            session, plan.city_code, plan.document.supervision.calendar
        )
    body, etag = await run_sync(_written, rows, plan, found.name, calendar, limiter=_one_at_a_time)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if if_none_match is not None and not etags(if_none_match).isdisjoint({headers["ETag"], "*"}):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=f"{_MEDIA_TYPE}; charset=utf-8")


def _written(
    rows: Sequence[DeadlineRow], plan: PlanState, name: str, calendar: WorkingCalendar
) -> tuple[bytes, str]:
    body = calendar_file(
        [_deadline(row, plan) for row in rows],
        name=f"{plan.document.title} {name}",
        time_zone=plan.document.time_zone,
        calendar=calendar,
    )
    return body, body_etag(body)


def _deadline(row: DeadlineRow, plan: PlanState) -> Deadline:
    """Return a calendar entry titled with the plan's names."""
    unit = plan.organizations.get(row.organization_code or "")
    who = unit.name if unit else (row.organization_code or plan.document.city.name)
    if row.kind == "milestone":
        title = f"{row.title}（{row.reference}）"
    elif row.kind == "obligation":
        indicator = plan.indicators.get(row.reference or "")
        title = f"报送 {row.title}：{indicator.name if indicator else row.reference}"
    else:
        title = f"报送截止：{row.title}"
    return Deadline(
        uid=f"{row.kind}-{row.id.replace('/', '-')}@wufei",
        due_date=row.due_date,
        title=f"✓ {title}" if row.done else title,
        description=f"{who}\n{plan.document.title}（{plan.document.status_text}）",
        sequence=row.version,
        changed_at=row.changed_at,
        done=row.done,
        cancelled=row.cancelled,
    )
