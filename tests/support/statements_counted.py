"""The statements that a door sends to the database, to be counted."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from services.core.kit.city_scope import ENTER
from services.core.kit.database import PlainConnection
from services.core.kit.rested_connections import ALIVE
from tests.support.api import Door

_ENTER = ENTER.bind({"city": ""})[0]


async def fewest(door: Door, *calls: Callable[[], Awaitable[object]]) -> int:
    """Return how many statements the cheapest of some calls sends that are alike.

    Now and then one of them reads the plan or its caller's key anew.
    """
    counted = []
    for call in calls:
        with statements_of(door) as asked:
            await call()
        counted.append(len(asked))
    return min(counted)


@contextmanager
def statements_of(door: Door) -> Iterator[list[str]]:
    """Yield a list that fills with the statements of the door's sessions, as they are sent.

    Those that go past SQLAlchemy to the driver, on a session's connection, are among them.
    """
    asked: list[str] = []
    heard: set[Any] = set()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    def overhear(query: Any) -> None:
        # Both go before the first one: where a connection rested, or was in another city.
        if query.query not in {ALIVE, _ENTER}:
            asked.append(query.query)

    def taken_out(connection: Any, *_more: Any) -> None:
        connection.driver_connection.add_query_logger(overhear)
        heard.add(connection.driver_connection)

    engine = door.held.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    event.listen(engine, "checkout", taken_out)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(engine, "checkout", taken_out)
        for connection in heard:
            connection.remove_query_logger(overhear)


@contextmanager
def bare_lookups() -> Iterator[list[str]]:
    """Yield a list that fills with the statements for a row of the bare pools, as they are sent."""
    asked: list[str] = []
    fetchrow = PlainConnection.fetchrow

    def overheard(connection: PlainConnection, statement: str, *given: Any, **options: Any) -> Any:
        asked.append(statement)
        return fetchrow(connection, statement, *given, **options)

    with patch.object(PlainConnection, "fetchrow", overheard):
        yield asked
