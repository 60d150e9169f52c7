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
    """An SQL condition with the values of its parameters."""

    sql: str
    parameters: Mapping[str, Any]

    @property
    def clause(self) -> TextClause:
        """Return it as a clause for `where`."""
        return text(self.sql).bindparams(**self.parameters)


class DriverStatement:
    """One statement for asyncpg, written with `:name` and compiled to `$n` when it is created.

    `await connection.fetch(*STATEMENT.bind({"city": city_code}))` runs it. Write the cast of a
    parameter as `CAST(:name AS type)`; `::` directly after a name is not supported.
    """

    __slots__ = ("_names", "_sql")

    def __init__(self, sql: str) -> None:
        """Compile a statement; a name that occurs twice is one parameter."""
        compiled = text(sql).compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._sql: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the SQL text and the values in order, as the driver's methods take them.

        Raises:
            KeyError: a name has no value, or a value has no name in the statement.
        """
        bound = (self._sql, *map(values.__getitem__, self._names))
        if len(values) != len(self._names):
            raise KeyError(*sorted(values.keys() - set(self._names)))
        return bound


# The filters of lists produce some hundred texts, and each is compiled once.
@lru_cache(maxsize=1024)
def driver_statement(sql: str) -> DriverStatement:
    """Return the cached statement of a text that is composed at run time."""
    return DriverStatement(sql)
