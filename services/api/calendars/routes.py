"""Routes of working days: the calendars of a city, one year of one, and announcing a year."""

from typing import Annotated

from fastapi import Depends, Path, Query, Response

from services.api.answers import json_answer
from services.api.calendars.reading import MEDIA_TYPE, TableRoute
from services.api.calendars.schemas import (
    CalendarListOut,
    CalendarYearIn,
    CalendarYearOut,
    announcement_of,
    calendars_out,
    year_out,
)
from services.api.context import IfMatch, IfNoneMatch, Reading, ResourcesDep, Writing, check_match
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering, asking
from services.api.routing import versioned_router
from services.api.security import Caller, permitted
from services.core.calendars import queries
from services.core.calendars.announcement import FIRST_YEAR, LAST_YEAR
from services.core.calendars.errors import CalendarNotFound, CalendarOfWholeCity
from services.core.calendars.rules import TIME_ZONE
from services.core.calendars.service import announce_year
from services.core.identity.actor import Actor
from services.core.identity.queries import city_exists
from services.core.identity.rules import Permission
from services.core.kit.city_scope import enter_city

router = versioned_router("calendars", route_class=TableRoute)

Reader = Annotated[Actor, Depends(permitted(Permission.READ_CALENDAR))]


async def _announcer(
    actor: Annotated[Actor, Depends(permitted(Permission.CHANGE_CALENDAR))],
) -> Actor:
    if not actor.runs_whole_city:
        raise CalendarOfWholeCity
    return actor


Announcer = Annotated[Actor, Depends(_announcer)]
CalendarCode = Annotated[
    str,
    Path(
        alias="code",
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$",
        description="Code of a calendar: `CN`, or one that the city keeps beside it",
        examples=["CN"],
    ),
]
_Year = Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR)]
_MOST_YEARS = 1000


async def _city_in_scope(
    actor: Caller,
    resources: ResourcesDep,
    city: Annotated[
        str | None,
        Query(
            max_length=6,
            description="Code of the city, for a credential of every city; default: the caller's",
        ),
    ] = None,
) -> str:
    """Return the requested city: the caller's own, unless it has access to all of them."""
    if city is None or city == actor.city_code:
        return actor.city_code
    async with resources.reads.sessions() as session:
        if not actor.every_city or not await city_exists(session, city):
            raise CalendarNotFound
    enter_city(city)
    return city


CityInScope = Annotated[str, Depends(_city_in_scope)]


async def _kept_code(code: CalendarCode, city_code: CityInScope, session: Reading) -> str:
    """Return the code of a calendar with at least one announced year.

    Raises:
        CalendarNotFound: the city has no such calendar.
    """
    if await queries.last_version(session, city_code, code) == 0:
        raise CalendarNotFound
    return code


def _etag(city_code: str, answer: CalendarYearOut) -> str:
    return f'"{city_code}/{answer.code}/{answer.year}.{answer.version}"'


@router.get("/calendars", responses={**answering("Calendars"), **refusals(403, 404)})
async def list_calendars(
    actor: Reader, city_code: CityInScope, session: Reading
) -> CalendarListOut:
    """List the calendars of a city with the years that were announced."""
    del actor
    return calendars_out(await queries.announced_years(session, city_code, limit=_MOST_YEARS))


@router.get(
    "/calendars/{code}",
    responses={**answering("CalendarYear", ETAG), **refusals(403, 404)},
    response_model=CalendarYearOut,
)
async def get_calendar(
    actor: Reader,
    city_code: CityInScope,
    code: Annotated[str, Depends(_kept_code)],
    session: Reading,
    resources: ResourcesDep,
    year: Annotated[_Year | None, Query(description="Default: this year", examples=[2026])] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return every day of a year: worked or not, by which document.

    A year that was not announced is `provisional`: it is reckoned Monday to Friday without the
    statutory days of fixed date, and `unknown` lists what cannot be known yet.
    """
    del actor
    wanted = year or resources.clock.today(TIME_ZONE).year
    row, announced = await queries.year_of(session, city_code, code, wanted)
    answer = year_out(code, wanted, announced, row.version if row else 0)
    return json_answer(
        answer.model_dump_json().encode(),
        etag=_etag(city_code, answer),
        if_none_match=if_none_match,
    )


@router.put(
    "/calendars/{code}",
    responses={**answering("CalendarYearReplaced", ETAG), **refusals(403, 404, 409, 412, 428)},
    openapi_extra={
        "requestBody": {
            "content": {
                **asking("AnnouncedYear")["requestBody"]["content"],
                MEDIA_TYPE: {"schema": {"type": "string"}, "examples": {"AnnouncedYearTable": {}}},
            }
        }
    },
)
async def announce_calendar_year(
    body: CalendarYearIn,
    actor: Announcer,
    city_code: CityInScope,
    code: CalendarCode,
    year: Annotated[_Year, Query(description="The year announced", examples=[2027])],
    session: Writing,
    resources: ResourcesDep,
    response: Response,
    source: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=500,
            description="The document that announces it, where the body is a table and cannot say",
            examples=["示例：国务院办公厅关于2027年部分节假日安排的通知"],
        ),
    ] = None,
    if_match: IfMatch = None,
) -> CalendarYearOut:
    """Announce a year, or replace it as a whole; the same once more changes nothing.

    It is for a key of the whole city. A year that was announced before is replaced with
    `If-Match` only. What is open and due by working days moves with it, with a record of each.
    The body may be a table (`text/csv`, UTF-8 or GB 18030) with the columns `date`, `kind` and
    `note`; its rows count as `days` from 0.
    """
    del source  # the table's reader puts it into the body
    announcement = announcement_of(year, body)
    row, present = await queries.year_for_update(session, city_code, code, year)
    current = year_out(code, year, present, row.version if row else 0)
    check_match(
        if_match,
        None if row is None else _etag(city_code, current),
        required=row is not None,
        current=None if row is None else current,
    )
    version = await announce_year(
        session,
        city_code=city_code,
        code=code,
        announcement=announcement,
        actor=actor.stamp(),
        now=resources.clock.now(),
    )
    answer = year_out(code, year, announcement, version)
    response.headers["ETag"] = _etag(city_code, answer)
    return answer
