"""SQL with named parameters: conditions that carry their values, and statements for asyncpg.

asyncpg takes `$1`, `$2`, …, which nobody should count to forty or renumber to add a column.
Statements that bypass SQLAlchemy keep their parameter names and are compiled once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition in SQL with the parameters that it names."""

    sql: str
    parameters: Mapping[str, Any]

    @property
    def clause(self) -> TextClause:
        """Return it as a clause for `where`."""
        return text(self.sql).bindparams(**self.parameters)


class DriverStatement:
    """One statement for asyncpg, written with `:name` and compiled to `$n` where it is made.

    `await connection.fetch(*STATEMENT.bind({"city": city_code}))` runs it. A cast of a parameter
    is written `CAST(:name AS type)`; `::` directly behind a name is not understood.
    """

    __slots__ = ("_names", "_sql")

    def __init__(self, sql: str) -> None:
        """Compile a statement; a name that is used twice is one parameter."""
        compiled = text(sql).compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._sql: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the text and the values in its order, as the driver's methods take them.

        Raises:
            KeyError: a name has no value, or a value has no name in the statement.
        """
        bound = (self._sql, *map(values.__getitem__, self._names))
        if len(values) != len(self._names):
            raise KeyError(*sorted(values.keys() - set(self._names)))
        return bound


# What callers narrow lists by makes some hundred texts, and each is compiled once.
@lru_cache(maxsize=1024)
def driver_statement(sql: str) -> DriverStatement:
    """Return the statement of a text that is put together while the program runs."""
    return DriverStatement(sql)
