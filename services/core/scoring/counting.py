"""What counts now, added up over the units: the operands that verdicts are reached from.

SQL adds what is exact by adding; quotients come out apart, and are added as fractions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.decimals import total
from services.core.scoring.aggregation import Operands
from services.core.scoring.queries import driver
from services.core.scoring.tenures import Tenure, Tenures, rank, units_named

_OPERANDS = """
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
        AND i.indicator_code = ANY($6::text[])) AS tops,
    array_agg(i.denominator) FILTER (WHERE i.value IS NOT NULL AND i.denominator IS NOT NULL
        AND i.indicator_code = ANY($6::text[])) AS bottoms
FROM score_input i
WHERE i.city_code = $1 AND i.plan_code = $2 AND i.until_position IS NULL
    AND i.indicator_code = ANY($3::text[])
    AND (i.indicator_code <> ALL($4::text[]) OR (i.indicator_code, i.organization_code)
        IN (SELECT * FROM unnest($4::text[], $5::text[]))) {narrowed}
GROUP BY i.basis, i.indicator_code, i.period,
    CASE WHEN i.indicator_code = ANY($7::text[]) THEN i.organization_code END
"""
_ALL_OPERANDS = _OPERANDS.format(narrowed="")
_SOME_OPERANDS = _OPERANDS.format(
    narrowed="AND i.basis = ANY($8::text[]) AND i.period = ANY($9::text[])"
)
_SUMMED = (
    *("period", "reports", "values", "value_sum", "ratios", "numerator_sum", "denominator_sum"),
    *("not_applicable", "not_applicable_reason", "provisional", "falsified", "organization_code"),
)
# A plan made for no city in particular takes this one for small, and twice the time.
_PLANNED_ANEW = "SET LOCAL plan_cache_mode = force_custom_plan"


@dataclass(frozen=True, slots=True)
class Counted:
    """Which indicators to count, and how.

    `owned` gives the tenures of those of which one unit's value is the city's; of those `apart`
    ratios are added or averaged over the units.
    """

    codes: Sequence[str]
    owned: Tenures
    apart: Sequence[str]


async def operands(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    counted: Counted,
    bases: Collection[str] = (),
    periods: Collection[str] | None = None,
) -> dict[str, dict[tuple[str, str], Operands]]:
    """Return what counts now, added up over the units: by basis, then (indicator, period).

    `periods` None reads every basis and period.
    """
    connection = await driver(session)
    units = {code: units_named(held) for code, held in counted.owned.items()}
    pairs = [(code, unit) for code, named in units.items() if None not in named for unit in named]
    scope = (
        city_code,
        plan_code,
        list(counted.codes),
        [code for code, _ in pairs],
        [unit for _, unit in pairs],
        list(counted.apart),
        list(counted.owned),
    )
    if periods is None:
        await connection.execute(_PLANNED_ANEW)
        rows = await connection.fetch(_ALL_OPERANDS, *scope)
    else:
        rows = await connection.fetch(_SOME_OPERANDS, *scope, list(bases), list(periods))
    found: dict[str, dict[tuple[str, str], Operands]] = {}
    rivals: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["indicator_code"] in counted.owned:
            key = (row["basis"], row["indicator_code"], row["period"])
            rivals.setdefault(key, []).append(row)
        else:
            place = (row["indicator_code"], row["period"])
            found.setdefault(row["basis"], {})[place] = _operands(row)
    for (basis, code, period), rows_ in rivals.items():
        chosen = _of_owner(rows_, counted.owned[code])
        if chosen is not None:
            found.setdefault(basis, {})[code, period] = chosen
    return found


def _of_owner(rows: Sequence[Mapping[str, Any]], tenures: Sequence[Tenure]) -> Operands | None:
    """Return the value of the last owner of its time; None: no owner reported.

    Where every unit was one, and several reported, nobody can say whose is the city's.
    """
    ranked = [(rank(tenures, row["organization_code"], row["from_position"]), row) for row in rows]
    best = max(number for number, _ in ranked)
    if best < 0:
        return None
    last = tenures[-1].organization_code
    ties = [row for number, row in ranked if number == best]
    preferred = [row for row in ties if row["organization_code"] == last] or ties
    only = _operands(preferred[0])
    if len(preferred) == 1:
        return only
    return replace(only, reports=len(preferred), organization_code=None)


def _operands(row: Mapping[str, Any]) -> Operands:
    levels = {row["lowest_level"], row["highest_level"]} - {None}
    quotients = _by_denominator(row["tops"] or (), row["bottoms"] or ())
    return Operands(
        **{name: row[name] for name in _SUMMED},
        levels=tuple(sorted(levels)),
        plain_sum=row["plain_sum"] if quotients else None,
        quotients=quotients,
    )


def _by_denominator(
    tops: Sequence[Decimal], bottoms: Sequence[Decimal]
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the quotients with those of one denominator added up, by denominator."""
    found: dict[Decimal, list[Decimal]] = {}
    for top, bottom in zip(tops, bottoms, strict=True):
        found.setdefault(bottom, []).append(top)
    return tuple((total(found[bottom]), bottom) for bottom in sorted(found))
