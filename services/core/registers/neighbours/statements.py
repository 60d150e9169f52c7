"""The SQL statements that look up other rows of the same unit; each covers a whole call.

Each returns both the current and the last confirmed contents, because they are in the same rows.
"""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

OF_KEYS = text("""
SELECT r.key, r.cells AS present, r.counted AS confirmed FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.key = ANY(CAST(:keys AS text[])) AND r.organization_code = :unit
    AND r.state IN ('draft', 'confirmed')
""").columns(present=JSONB, confirmed=JSONB)
"""The contents of a unit's rows with some keys; `confirmed` null: nothing confirmed yet."""

_ADDED = """coalesce(sum(CASE WHEN r.{says} ->> w.said ~ '^-?[0-9]+([.][0-9]+)?$'
            THEN CAST(r.{says} ->> w.said AS numeric) END)
            FILTER (WHERE r.{says} @> w.matching), 0)"""

SUMS = text(f"""
SELECT w.register, w.said, f.present, f.confirmed
FROM (
    SELECT u.register, u.said, CAST(u.matching AS jsonb) AS matching
    FROM unnest(CAST(:registers AS text[]), CAST(:columns AS text[]), CAST(:matching AS text[]))
        AS u(register, said, matching)
) AS w
CROSS JOIN LATERAL (
    SELECT {_ADDED.format(says="cells")} AS present, {_ADDED.format(says="counted")} AS confirmed
    FROM register_row AS r
    WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = w.register
        AND r.organization_code = :unit AND r.state IN ('draft', 'confirmed')
        AND (r.cells @> w.matching OR r.counted @> w.matching)
) AS f
""")  # noqa: S608 (text of our own)
"""Sums of columns of registers over a unit's matching rows; 0 without rows. A row with text there,
allowed by an earlier plan, adds nothing."""
