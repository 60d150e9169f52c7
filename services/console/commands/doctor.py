"""Looks at every part from outside and says what is wrong; it mends nothing."""

import asyncio
import os
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
from redis import RedisError
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from services.console.answers import status
from services.console.data_directory import DataDirectory
from services.console.errors import ConsoleError
from services.console.heartbeat import beats
from services.console.running import Running, read_running
from services.console.schema import revision
from services.console.settings import Settings
from services.core.calendars.queries import cities_without
from services.core.calendars.rules import CALENDAR, NOTICE_MONTH, TIME_ZONE
from services.core.events.queries import SILENT_AFTER
from services.core.kit.clock import Clock
from services.core.kit.database import POOLED_SETTINGS, connect
from services.core.kit.outage import told_of
from services.core.kit.partitions import parts_of, resting
from services.core.kit.schema import ServerTooOld, expected_revision, require_major
from services.core.kit.server_address import open_connection, read_address
from services.core.partitions import cut_tables

_READY = 200
_NO_ANSWER = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    SQLAlchemyError,
)
_PARTS = ("api", "worker")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and whether that is as it should be.

    What `reminds` is in order and asks for something before long.
    """

    what: str
    seen: str
    good: bool = True
    reminds: bool = False

    def line(self) -> str:
        """Return one line for the terminal."""
        mark = "FAULT" if not self.good else ("SOON" if self.reminds else "ok")
        return f"{mark:<7}{self.what:<16}{self.seen}"


def run(_arguments: Namespace) -> int:
    """Print every finding; the exit code is 1 when one of them is a fault."""
    return asyncio.run(_report(Settings.read()))


async def _report(settings: Settings) -> int:
    good = True
    async for finding in examine(settings):
        print(finding.line())
        good = good and finding.good
    return 0 if good else 1


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what there is to say about the embedded system that runs, or the servers named."""
    directory = DataDirectory(settings.data_dir)
    try:
        running = read_running(directory)
    except ConsoleError as error:
        yield Finding("data directory", str(error), good=False)
        return
    if running is not None:
        for finding in _processes(running):
            yield finding
        yield await _api(running)
    elif settings.database_url is None:
        seen = f"no `wufei up` is running on {settings.data_dir}, and DATABASE_URL is not set"
        yield Finding("processes", seen, good=False)
    if (database := _chosen(settings, running, "database_url")) is not None:
        for finding in await _database(database):
            yield finding
        if read_address(database).pooled:
            for finding in await _behind_a_pooler(database, settings.direct_url or database):
                yield finding
    if (redis := _chosen(settings, running, "redis_url")) is not None:
        yield await _redis(redis)


def _chosen(settings: Settings, running: Running | None, name: str) -> str | None:
    secret = getattr(settings, name)
    if secret is not None:
        return str(secret.get_secret_value())
    return getattr(running, name, None)


def _processes(running: Running) -> Iterator[Finding]:
    yield Finding("supervisor", f"process {running.pid}", good=_alive(running.pid))
    for name in (*running.parts, *(part for part in _PARTS if part not in running.parts)):
        pid = running.parts.get(name)
        good = pid is not None and _alive(pid)
        yield Finding(name, f"process {pid}" if good else "not running", good=good)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _api(running: Running) -> Finding:
    code = await status(running.host, running.port, "/readyz")
    seen = "no answer" if code is None else f"/readyz answers {code}"
    return Finding("api answers", f"{running.host}:{running.port} {seen}", good=code == _READY)


async def _database(url: str) -> list[Finding]:
    try:
        connection = await open_connection(url, timeout=5)
        try:
            version = await connection.fetchval("SHOW server_version")
            number = await connection.fetchval("SHOW server_version_num")
        finally:
            await connection.close()
        require_major(int(number))
        found, wanted = await revision(url), expected_revision()
        answers = Finding("database", f"PostgreSQL {version} answers")
        if found != wanted:
            seen = f"at {found}, this version needs {wanted}"
            return [answers, Finding("schema", seen, good=False)]
        schema = Finding("schema", f"at {found}")
        return [answers, schema, await _work(url), await _parts(url), await _calendar(url)]
    except ServerTooOld as error:
        return [Finding("database", str(error), good=False)]
    except _NO_ANSWER as error:
        return [Finding("database", told_of(error), good=False)]


async def _behind_a_pooler(url: str, direct: str) -> list[Finding]:
    """Say what a pooler in transaction mode needs: settings of a session must be on the role."""
    try:
        connection = await open_connection(url, timeout=5)
        try:
            has = {name: await connection.fetchval(f"SHOW {name}") for name in POOLED_SETTINGS}
        finally:
            await connection.close()
        other = await open_connection(direct, timeout=5)
        await other.close()
    except _NO_ANSWER as error:
        seen = told_of(error)
        return [Finding("direct address", f"DATABASE_DIRECT_URL: {seen}", good=False)]
    found = [Finding("direct address", "DATABASE_DIRECT_URL answers")]
    for name, wanted in POOLED_SETTINGS.items():
        good = has[name] == wanted
        seen = (
            f"is {has[name]}"
            if good
            else (
                f"is {has[name]}, must be {wanted}: ALTER ROLE … SET {name} = '{wanted}', then let"
                " the pooler open its connections anew"
            )
        )
        found.append(Finding(name, seen, good=good))
    return found


async def _calendar(url: str) -> Finding:
    """Say whether next year's working days are there; from November on it is time to load them."""
    today = Clock().today(TIME_ZONE)
    async with (
        connect(url, size=1, application_name="wufei-doctor") as database,
        database.sessions() as session,
    ):
        lacking = await cities_without(session, CALENDAR, today.year + 1)
    if not lacking or today.month < NOTICE_MONTH:
        return Finding("calendar", f"{CALENDAR} awaits no notice")
    seen = f"{CALENDAR} lacks {today.year + 1}: load the yearly notice, see docs/operations.md"
    return Finding("calendar", seen, reminds=True)


async def _parts(url: str) -> Finding:
    """Say until when there are parts of the tables cut by time, and what lies in no part."""
    now = Clock.true_now()
    async with (
        connect(url, size=1, application_name="wufei-doctor") as database,
        database.sessions() as session,
    ):
        found = await parts_of(session, cut_tables())
        astray = [one.table.name for one in found if await resting(session, one)]
    least = min(found, key=lambda one: one.until or now)
    if (until := least.until) is None or until <= now:
        seen = (
            f"{least.table.name} has no part for today, its rows go to the rest: is a worker at"
            " work, and does its user own the table? `wufei migrate` makes parts too"
        )
        return Finding("parts", seen, good=False)
    if until <= least.table.span.after(now):
        seen = f"{least.table.name} has none after {until:%Y-%m-%d}: a worker should have made them"
        return Finding("parts", seen, reminds=True)
    if astray:
        seen = (
            f"rows of {', '.join(astray)} lie in the part for the rest: was a clock ahead? see"
            " docs/operations.md"
        )
        return Finding("parts", seen, reminds=True)
    return Finding("parts", f"of all tables cut by time made until {until:%Y-%m-%d}")


async def _work(url: str) -> Finding:
    """Tell a worker that goes on from one that is gone or stands still: by its beat."""
    heard, now = await beats(url), Clock.true_now()
    if not heard:
        return Finding("work goes on", "no worker was ever at work here", good=False)
    at_work = sum(now - beat < SILENT_AFTER for beat in heard)
    seconds = max(0.0, (now - heard[0]).total_seconds())
    seen = f"{at_work} at work, the last sign of it {seconds:.0f} s ago"
    return Finding("work goes on", seen, good=at_work > 0)


async def _redis(url: str) -> Finding:
    try:
        async with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            await client.execute_command("PING")
    except (OSError, RedisError) as error:
        return Finding("redis", f"{told_of(error)} (work goes on, a few seconds later)", good=False)
    return Finding("redis", "answers")
