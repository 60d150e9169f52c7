"""The SQL statement that fingerprints a plan's state, to validate this process's cache of it."""

from services.core.kit.database import Base, columns_of
from services.core.plan.models import AssignedTarget, PlanPeriod, Settlement


def _written(table: type[Base], order: str, which: str = "TRUE") -> str:
    """Return SQL that serialises a plan's rows in a table, with every column, into one text."""
    return f"""(
        SELECT string_agg(CAST(ROW({columns_of(table, "t")}) AS text), ',' ORDER BY {order})
        FROM {table.__tablename__} AS t
        WHERE t.city_code = :city AND t.plan_code = :plan AND {which}
    )"""  # noqa: S608 (names of our own)


STANDING = f"""
SELECT p.version, v.digest, sha256(convert_to(CAST(ROW(
    {_written(AssignedTarget, "t.indicator_code, t.year, t.sequence")},
    {_written(Settlement, "t.question_id")},
    {_written(PlanPeriod, "t.period", "t.state <> 'planned'")},
    (SELECT string_agg(h.digest, '' ORDER BY h.version) FROM plan_version AS h
        WHERE h.city_code = :city AND h.plan_code = :plan AND h.version < p.version)
) AS text), 'UTF8')) AS beside
FROM plan AS p JOIN plan_version AS v
    ON v.city_code = p.city_code AND v.plan_code = p.code AND v.version = p.version
WHERE p.city_code = :city AND v.city_code = :city AND p.code = :plan
"""  # noqa: S608 (names of our own)
"""The version of a plan, its document's digest, and a digest of all decisions beside it and of the
earlier versions, which determine former reporters. It digests contents, not timestamps: two equal
results mean the same state."""
