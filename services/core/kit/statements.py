"""Statements whose parameters are named: conditions that carry their own, and `$n` for asyncpg."""

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


def numbered(sql: str, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """Return a statement as asyncpg takes it: `$n` for each `:name`, and the values in order.

    A cast of a parameter is written `CAST(:name AS type)`. `parameters` has every name.
    """
    compiled, names = _compiled(sql)
    return compiled, [parameters[name] for name in names]


# What callers narrow lists by makes some hundred texts, and each is compiled once.
@lru_cache(maxsize=1024)
def _compiled(sql: str) -> tuple[str, tuple[str, ...]]:
    compiled = text(sql).compile(dialect=dialect())  # type: ignore[no-untyped-call]
    return compiled.string, tuple(compiled.positiontup or ())
