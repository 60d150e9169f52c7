"""The statements of sealing anew, for a column whose table has `city_code` and `id`."""

from sqlalchemy import TextClause, text


def next_rows(table: str, column: str) -> TextClause:
    """Return what reads the next `:most` values of a city after an id: `id`, `value`."""
    return text(
        f'SELECT id, "{column}" AS value FROM "{table}"'  # noqa: S608 (names of our own)
        f' WHERE city_code = :city AND "{column}" IS NOT NULL'
        " AND (CAST(:after AS uuid) IS NULL OR id > :after)"
        " ORDER BY id LIMIT :most"
    )


def renew(table: str, column: str) -> TextClause:
    """Return what writes values anew that are still the old ones, from arrays of equal length."""
    return text(
        f'UPDATE "{table}" AS kept SET "{column}" = given.renewed'  # noqa: S608 (as above)
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:old AS bytea[]), CAST(:renewed AS bytea[]))"
        " AS given (id, old, renewed)"
        " WHERE kept.city_code = :city AND kept.id = given.id"
        f' AND kept."{column}" = given.old'
    )
