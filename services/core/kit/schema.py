"""Which revision a database is at, and which one this code is written for."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

_HEAD = Path(__file__).resolve().parents[3] / "migrations" / "HEAD"


class SchemaBehind(RuntimeError):
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


async def require_current(engine: AsyncEngine) -> None:
    """Refuse to start on a database that is not at the expected revision.

    Raises:
        SchemaBehind: it is at another one.
    """
    present, expected = await present_revision(engine), expected_revision()
    if present != expected:
        raise SchemaBehind(
            f"the database is at revision {present or 'none'}, this program needs {expected}:"
            " run `wufei migrate`"
        )
