"""SQL that adds up the values that count, now or if some values counted otherwise.

Both variants share one text, so that a preview counts exactly as the real calculation does.
"""

from services.core.kit.statements import DriverStatement

# A generic query plan assumes a small city, and takes twice the time.
PLAN_ANEW = "SET LOCAL plan_cache_mode = force_custom_plan"
"""Makes Postgres plan the following statements of this transaction for their actual values."""

_CONTENT = (
    "value",
    "numerator",
    "denominator",
    "level",
    "not_applicable_reason",
    "provisional",
    "falsified",
)
_INPUT = ("basis", "indicator_code", "period", "organization_code", "from_position", *_CONTENT)
SUPPOSED = ("indicator_code", "period", "organization_code", *_CONTENT, "counts")
"""Columns of a supposed value; a value with `counts` false leaves its slot empty."""

_TYPES = {
    "value": "numeric",
    "numerator": "numeric",
    "denominator": "numeric",
    "provisional": "boolean",
    "falsified": "boolean",
    "counts": "boolean",
}


def _of(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


NOW = {
    "before": "",
    "inputs": "score_input i",
    "current": "i.city_code = :city AND i.plan_code = :plan AND i.until_position IS NULL",
}
"""Parts of a statement that reads, as `i`, the values that count now."""

# NOT IN is executed as a hashed subplan, even if the planner estimates the arrays as small.
SUPPOSING = {
    "before": f"""
WITH supposed AS MATERIALIZED (
    -- An approved value stays approved: a value can cease to count on `submitted` only.
    SELECT b.basis, {_of("s", SUPPOSED)} FROM unnest({
        ", ".join(f"CAST(:supposed_{name} AS {_TYPES.get(name, 'text')}[])" for name in SUPPOSED)
    }) AS s({", ".join(SUPPOSED)})
    CROSS JOIN unnest(CAST(:bases AS text[])) AS b(basis)
    WHERE s.counts OR b.basis = 'submitted'
), inputs AS (
    SELECT {_of("i", _INPUT)} FROM score_input i
    WHERE i.city_code = :city AND i.plan_code = :plan AND i.until_position IS NULL
        AND i.indicator_code = ANY(CAST(:codes AS text[]))
        AND (i.basis, i.indicator_code, i.period, i.organization_code) NOT IN (
            SELECT s.basis, s.indicator_code, s.period, s.organization_code FROM supposed s)
    UNION ALL
    SELECT s.basis, s.indicator_code, s.period, s.organization_code, 9223372036854775807,
        {_of("s", _CONTENT)}
    FROM supposed s WHERE s.counts
)
""",  # noqa: S608 (column names of our own)
    "inputs": "inputs i",
    "current": "TRUE",
}
"""Parts of a statement that reads the values as they would count under a supposition.

The supposed values are passed as arrays by column. They count from a position beyond the end of
the log.
"""

# `values` and `ratios` count existing values, because a sum of nothing is NULL, and 0 is a value.
# If an indicator's value is one unit's, or shares changed hands, the rows stay separate by unit,
# and Python chooses whose values count.
_OPERANDS = """{before}
SELECT i.basis, i.indicator_code, i.period, count(*) AS reports,
    count(i.value) AS values, sum(i.value) AS value_sum,
    count(i.denominator) AS ratios, sum(i.numerator) AS numerator_sum,
    sum(i.denominator) AS denominator_sum,
    min(i.level) AS lowest_level, max(i.level) AS highest_level,
    count(i.not_applicable_reason) AS not_applicable,
    min(i.not_applicable_reason) AS not_applicable_reason,
    count(*) FILTER (WHERE i.provisional) AS provisional,
    count(*) FILTER (WHERE i.falsified) AS falsified,
    CASE WHEN count(*) = 1 THEN min(i.organization_code) END AS organization_code,
    max(i.from_position) AS from_position,
    sum(i.value) FILTER (WHERE i.denominator IS NULL) AS plain_sum,
    array_agg(i.numerator) FILTER (WHERE i.value IS NOT NULL AND i.denominator IS NOT NULL
        AND i.indicator_code = ANY(CAST(:apart AS text[]))) AS tops,
    array_agg(i.denominator) FILTER (WHERE i.value IS NOT NULL AND i.denominator IS NOT NULL
        AND i.indicator_code = ANY(CAST(:apart AS text[]))) AS bottoms,
    array_agg(i.organization_code ORDER BY i.organization_code)
        FILTER (WHERE i.value IS NOT NULL AND i.denominator IS NULL
        AND i.indicator_code = ANY(CAST(:by_parts AS text[]))) AS unparted
FROM {inputs}
WHERE {current}
    AND i.indicator_code = ANY(CAST(:codes AS text[]))
    AND (i.indicator_code <> ALL(CAST(:owned_codes AS text[]))
        OR (i.indicator_code, i.organization_code) IN (
            SELECT * FROM unnest(CAST(:owned_codes AS text[]), CAST(:owned_units AS text[]))))
    {narrowed}
GROUP BY i.basis, i.indicator_code, i.period,
    CASE WHEN i.indicator_code = ANY(CAST(:by_unit AS text[])) THEN i.organization_code END
"""

ALL_OPERANDS = DriverStatement(_OPERANDS.format(narrowed="", **NOW))
"""The values that count now in a plan, summed over the units: by basis, indicator and period."""

_NARROWED = """AND i.basis = ANY(CAST(:bases AS text[]))
    AND i.period = ANY(CAST(:periods AS text[]))"""

SOME_OPERANDS = DriverStatement(_OPERANDS.format(narrowed=_NARROWED, **NOW))
"""The same for some bases and periods only."""

SUPPOSED_OPERANDS = DriverStatement(_OPERANDS.format(narrowed=_NARROWED, **SUPPOSING))
"""The same if some values counted otherwise."""

_ASKED_FOR = """
    AND (cardinality(CAST(:bases AS text[])) = 0 OR i.basis = ANY(CAST(:bases AS text[])))
    AND (CAST(:periods AS text[]) IS NULL OR i.period = ANY(CAST(:periods AS text[])))
"""

_OF_UNITS = f"""{{before}}
SELECT i.basis, i.indicator_code, i.period, i.organization_code, i.from_position, i.value,
    i.numerator, i.denominator, i.level, i.not_applicable_reason, i.provisional, i.falsified
FROM {{inputs}}
WHERE {{current}}
    AND (i.indicator_code, i.organization_code) IN (
        SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:units AS text[])))
    {_ASKED_FOR}
ORDER BY i.organization_code
"""  # noqa: S608 (text of our own)

INPUTS_OF_UNITS = DriverStatement(_OF_UNITS.format(**NOW))
"""The values of given units that count now."""

SUPPOSED_OF_UNITS = DriverStatement(_OF_UNITS.format(**SUPPOSING))
"""The same if some values counted otherwise."""

_REPORTING = f"""{{before}}
SELECT i.basis, i.indicator_code, i.period,
    array_agg(i.organization_code ORDER BY i.organization_code)
FROM {{inputs}}
WHERE {{current}}
    AND i.indicator_code = ANY(CAST(:codes AS text[]))
    {_ASKED_FOR}
GROUP BY i.basis, i.indicator_code, i.period
"""  # noqa: S608 (text of our own)

REPORTING_UNITS = DriverStatement(_REPORTING.format(**NOW))
"""The units whose values count now, by basis, indicator and period."""

SUPPOSED_UNITS = DriverStatement(_REPORTING.format(**SUPPOSING))
"""The same if some values counted otherwise."""
