"""Which revision a database is at, and which one this code is written for."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

_HEAD = Path(__file__).resolve().parents[3] / "migrations" / "HEAD"


OLDEST = 15
"""The oldest PostgreSQL that this code works with: NULLS NOT DISTINCT came with it."""

_PER_MAJOR = 10_000


class DatabaseUnfit(RuntimeError):
    """The database cannot be worked with as it is."""


class ServerTooOld(DatabaseUnfit):
    """The server is older than this code's statements."""


class SchemaBehind(DatabaseUnfit):
    """The database is at another revision than this code needs."""


def expected_revision() -> str:
    """Return the revision that this code is written for."""
    return _HEAD.read_text(encoding="utf-8").strip()


async def present_revision(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at; None where it was never migrated."""
    try:
        async with engine.connect() as connection:
            found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        return None
    return None if found is None else str(found)


def require_major(version_number: int) -> None:
    """Refuse a server by the number that it gives its version, such as 150018 for 15.18.

    Raises:
        ServerTooOld: it is older than the oldest that works.
    """
    major = version_number // _PER_MAJOR
    if major < OLDEST:
        raise ServerTooOld(f"the server is PostgreSQL {major}; {OLDEST} is the oldest that works")


async def require_version(engine: AsyncEngine) -> None:
    """Refuse a server that is too old.

    Raises:
        ServerTooOld: it is.
    """
    async with engine.connect() as connection:
        require_major(int(await connection.scalar(text("SHOW server_version_num")) or 0))


async def require_current(engine: AsyncEngine) -> None:
    """Refuse to start on a server that is too old, or a database at another revision.

    Raises:
        ServerTooOld: the server is.
        SchemaBehind: the database is at another revision.
    """
    await require_version(engine)
    present, expected = await present_revision(engine), expected_revision()
    if present != expected:
        raise SchemaBehind(
            f"the database is at revision {present or 'none'}, this program needs {expected}:"
            " run `wufei migrate`"
        )
