"""Opens the ledger's database and clock for commands that work in it directly."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.console.clock_setting import settled_clock
from services.console.data_directory import DataDirectory, kept_secret_key
from services.console.errors import ConsoleError
from services.console.running import database_url
from services.console.settings import Settings
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import enter_city
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.errors import DomainError
from services.core.kit.outage import told_of
from services.core.kit.schema import DatabaseUnfit, require_current
from services.core.kit.sealing import Seal
from services.core.kit.text import Language, Text


@dataclass(frozen=True, slots=True)
class Ledger:
    """A database with this version's schema, and the clock of its services."""

    database: Database
    clock: Clock


@asynccontextmanager
async def open_ledger() -> AsyncIterator[Ledger]:
    """Yield the ledger of DATABASE_URL, or of the running `wufei up`.

    Raises:
        ConsoleError: it cannot be reached, or refuses a statement.
    """
    settings = Settings.read()
    clock = Clock()
    if settings.database_url is None:
        clock = settled_clock(DataDirectory(settings.data_dir).clock, None)
    try:
        async with connect(
            database_url(settings), size=2, application_name="wufei-console"
        ) as database:
            await require_current(database.engine)
            yield Ledger(database, clock)
    except DomainError as error:
        raise ConsoleError(told(error)) from None
    except DatabaseUnfit as error:
        raise ConsoleError(str(error)) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, SQLAlchemyError) as error:
        raise ConsoleError(f"cannot work in the database: {told_of(error)}") from None


async def cities_meant(ledger: Ledger, named: str | None, language: Language) -> list[str]:
    """Return the named city, or else all.

    Raises:
        ConsoleError: there is no city with that name.
    """
    async with ledger.database.sessions() as session:
        known = await city_codes(session)
    if named is not None and named not in known:
        there = ", ".join(known) or _NONE.in_(language)
        raise ConsoleError(_NO_SUCH_CITY.format(city=named, known=there).in_(language))
    return [one for one in known if named in {None, one}]


async def enter_city_meant(ledger: Ledger, named: str | None, language: Language) -> str:
    """Return the named city, or the only one, and set it for later statements.

    Raises:
        ConsoleError: there is no such city, or there are several and none was named.
    """
    cities = await cities_meant(ledger, named, language)
    if len(cities) != 1:
        there = ", ".join(cities) or _NONE.in_(language)
        raise ConsoleError(_NAME_ONE.format(known=there).in_(language))
    enter_city(cities[0])
    return cities[0]


_NONE = Text("没有", "none")
_NO_SUCH_CITY = Text(
    "没有城市 {city}；现有：{known}", "there is no city {city}; there are: {known}"
)
_NAME_ONE = Text(
    "请用 --city 写明城市；现有：{known}", "name the city with --city; there are: {known}"
)


def seal_here() -> Seal | None:
    """Return the seal of this environment, or of the running `wufei up`.

    Raises:
        ConsoleError: the stored key cannot be read.
    """
    settings = Settings.read()
    if settings.seal is not None or settings.database_url is not None:
        return settings.seal
    kept = DataDirectory(settings.data_dir).secret_key
    return Seal.read(kept_secret_key(kept), settings.seal_cipher) if kept.exists() else None


def told(error: DomainError) -> str:
    """Return a refusal as lines for a terminal: its title, then every fault with its path."""
    detail = error.detail.en if error.detail else error.title.en
    lines = [f"{detail} ({error.code})"]
    lines += [
        f"  {fault.pointer or '/'}: {fault.detail.en} ({fault.code})"
        + (f": {fault.value}" if fault.value is not None else "")
        for fault in error.faults
    ]
    return "\n".join(lines)
