"""The statements that a door sends to the database, to be counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.support.api import Door


@contextmanager
def statements_of(door: Door) -> Iterator[list[str]]:
    """Yield a list that fills with the statements of the door's sessions, as they are sent."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    engine = door.held.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)
