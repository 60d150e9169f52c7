"""Statements with named parameters for the driver, compiled to its numbered ones once.

The driver knows `$1`; nobody should count to thirty-eight by hand, or renumber a statement to add
a column. A hot path spares the round trips and the rendering of an SQLAlchemy execution and
keeps the names.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect

_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]


class NamedSql:
    """One statement whose parameters have names; made where a module is imported.

    `connection.fetch(*STATEMENT.with_values(city=..., plan=...))` runs it on the driver.
    `sql` is the text that the driver takes, `names` says which parameter each number stands for.
    """

    __slots__ = ("names", "sql")

    def __init__(self, sql: str) -> None:
        """Compile `:name` to `$n`; a name used twice is one parameter, `::` stays a cast."""
        compiled = text(sql).compile(dialect=_DIALECT)
        self.sql: str = compiled.string
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())

    def with_values(self, **values: object) -> tuple[Any, ...]:
        """Return the statement's text and its values in their order.

        Raises:
            TypeError: a name has no value, or a value has no name in the statement.
        """
        return (self.sql, *self.arguments(values))

    def arguments(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values in the order of the numbers.

        Raises:
            TypeError: a name has no value, or a value has no name in the statement.
        """
        if len(values) != len(self.names) or values.keys() != set(self.names):
            apart = sorted(values.keys() ^ set(self.names))
            raise TypeError(f"the statement and its values differ in: {', '.join(apart)}")
        return tuple([values[name] for name in self.names])
