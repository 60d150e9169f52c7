"""The SQL statements of resealing, for a column whose table has `city_code` and `id`."""

from sqlalchemy import TextClause, text

from services.core.kit.sealing import HEAD_BYTES
from services.core.resealing.columns import SEALED


def next_rows(table: str, column: str) -> TextClause:
    """Return the query for the next `:most` values of a city after an id: `id`, `value`."""
    return text(
        f'SELECT id, "{column}" AS value FROM "{table}"'  # noqa: S608 (names of our own)
        f' WHERE city_code = :city AND "{column}" IS NOT NULL'
        " AND (CAST(:after AS uuid) IS NULL OR id > :after)"
        " ORDER BY id LIMIT :most"
    )


def renew(table: str, column: str) -> TextClause:
    """Return the update of values that are still the old ones, from arrays of equal length."""
    return text(
        f'UPDATE "{table}" AS kept SET "{column}" = given.renewed'  # noqa: S608 (as above)
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:old AS bytea[]), CAST(:renewed AS bytea[]))"
        " AS given (id, old, renewed)"
        " WHERE kept.city_code = :city AND kept.id = given.id"
        f' AND kept."{column}" = given.old'
    )


SEALED_HEADS = text(
    " UNION ALL ".join(
        f"SELECT '{one.table}' AS table_name, substring(\"{one.column}\" FOR {HEAD_BYTES}) AS head,"  # noqa: S608 (names of our own)
        f' count(*) AS found FROM "{one.table}"'
        f' WHERE city_code = :city AND "{one.column}" IS NOT NULL GROUP BY head'
        for one in SEALED
    )
)
"""How many of a city's values each key sealed: `table_name`, `head`, `found`."""
