"""The statements that look up what other rows of the same unit say; each for all that is asked."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

OF_KEYS = text("""
SELECT r.key, r.cells FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.key = ANY(CAST(:keys AS text[])) AND r.organization_code = :unit
    AND r.state IN ('draft', 'confirmed')
""").columns(cells=JSONB)
"""What the rows of a unit say that hold some keys."""

SUMS = text("""
SELECT w.register, w.said, (
    SELECT coalesce(sum(CAST(r.cells ->> w.said AS numeric)), 0) FROM register_row AS r
    WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = w.register
        AND r.organization_code = :unit AND r.state IN ('draft', 'confirmed')
        AND r.cells @> CAST(w.matching AS jsonb)
) AS total
FROM unnest(CAST(:registers AS text[]), CAST(:columns AS text[]), CAST(:matching AS text[]))
    AS w(register, said, matching)
""")
"""What columns of registers come to over the rows of a unit that say the same; of none it is 0."""
