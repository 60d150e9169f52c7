"""Which schema revision a database has, and whether this program works with it.

A migration that only adds lets the previous release keep working: it may go on, restart, and be
rolled back to. The migration records this in the database.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

_HEAD = Path(__file__).resolve().parents[3] / "migrations" / "HEAD"


OLDEST = 15
"""The oldest PostgreSQL version that this code works with: it introduced NULLS NOT DISTINCT."""

_PER_MAJOR = 10_000

WORKS_SINCE = "works since "
"""The start of the comment on the revision table; the oldest working program's revision follows."""


class DatabaseUnfit(RuntimeError):
    """This program cannot work with the database as it is."""


class ServerTooOld(DatabaseUnfit):
    """The server is too old for this code's statements."""


class SchemaBehind(DatabaseUnfit):
    """The database is at another revision than this code needs."""


def expected_revision() -> str:
    """Return the revision that this code is written for."""
    return _HEAD.read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True)
class PresentSchema:
    """The revision of a database (None: never migrated), and which programs work with it.

    `works_since` is the revision of the oldest program that does.
    """

    revision: str | None = None
    works_since: str | None = None

    @property
    def fits(self) -> bool:
        """Return whether this program works with it: built for it, or for one still supported."""
        if self.revision is None:
            return False
        expected = expected_revision()
        return (self.works_since or self.revision) <= expected <= self.revision


# The migration writes the comment in its own transaction.
PRESENT = """
SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version
"""


def schema_of(revision: str | None, comment: str | None) -> PresentSchema:
    """Return the schema that a row of `PRESENT` describes."""
    if comment is None or not comment.startswith(WORKS_SINCE):
        return PresentSchema(revision)
    return PresentSchema(revision, comment.removeprefix(WORKS_SINCE))


async def present_schema(engine: AsyncEngine) -> PresentSchema:
    """Return the schema that the database has."""
    try:
        async with engine.connect() as connection:
            found = (await connection.execute(text(PRESENT))).one_or_none()
    except ProgrammingError:
        return PresentSchema()
    return PresentSchema() if found is None else schema_of(*found)


def require_major(version_number: int) -> None:
    """Refuse a server by its version number, such as 150018 for 15.18.

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
    """Refuse to start on a server that is too old, or on a schema that this program does not fit.

    Raises:
        ServerTooOld: the server is.
        SchemaBehind: the database is at another revision, and not a newer compatible one.
    """
    await require_version(engine)
    present, expected = await present_schema(engine), expected_revision()
    if not present.fits:
        older = (present.revision or "") < expected
        remedy = "run `wufei migrate`" if older else "start a newer release"
        raise SchemaBehind(
            f"the database is at revision {present.revision or 'none'}, this program needs"
            f" {expected}: {remedy}"
        )
