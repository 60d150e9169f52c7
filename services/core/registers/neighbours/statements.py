"""The statements that look up what other rows of the same unit say; each for all that is asked."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

_SAYS = {"present": "cells", "confirmed": "counted"}
"""Which column has what a row says: as it stands, or as it was confirmed last (null: never)."""

_OF_KEYS = """
SELECT r.key, r.{says} AS cells FROM register_row AS r
WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = :register
    AND r.key = ANY(CAST(:keys AS text[])) AND r.organization_code = :unit
    AND r.state IN ('draft', 'confirmed') AND r.{says} IS NOT NULL
"""

_SUMS = """
SELECT w.register, w.said, (
    SELECT coalesce(sum(CASE WHEN r.{says} ->> w.said ~ '^-?[0-9]+([.][0-9]+)?$'
        THEN CAST(r.{says} ->> w.said AS numeric) END), 0) FROM register_row AS r
    WHERE r.city_code = :city AND r.plan_code = :plan AND r.register_code = w.register
        AND r.organization_code = :unit AND r.state IN ('draft', 'confirmed')
        AND r.{says} @> CAST(w.matching AS jsonb)
) AS total
FROM unnest(CAST(:registers AS text[]), CAST(:columns AS text[]), CAST(:matching AS text[]))
    AS w(register, said, matching)
"""

OF_KEYS = {of: text(_OF_KEYS.format(says=says)).columns(cells=JSONB) for of, says in _SAYS.items()}
"""What the rows of a unit say that hold some keys, `present` or `confirmed`."""

SUMS = {of: text(_SUMS.format(says=says)) for of, says in _SAYS.items()}
"""What columns of registers come to over the rows of a unit that say the same, `present` or
`confirmed`; of none it is 0. A row that says words there, by an earlier plan, adds nothing."""
