"""The owner of the tables, where a test does what the services' role may not.

The services' address is what fixtures give out. Who knows the server knows the owner's too.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.console.embedded.postgres import service_address

_OWNERS: dict[str, str] = {}


def served(owner: str) -> str:
    """Return the services' address of a database, and keep whose it is."""
    parts = urlsplit(owner)
    who, _, place = parts.netloc.rpartition("@")
    _OWNERS[place] = who
    return service_address(owner)


def owner_of(url: str) -> str:
    """Return the owner's address of a database by that of the services; on a cluster the same."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    if place not in _OWNERS:
        return url
    return urlunsplit(parts._replace(netloc=f"{_OWNERS[place]}@{place}"))


async def as_owner(url: str, statement: str, *given: Any) -> None:
    """Run a statement, or several without parameters, as the owner."""
    connection = await asyncpg.connect(owner_of(url))
    try:
        await connection.execute(statement, *given)
    finally:
        await connection.close()
