"""Adds up over the units the values that count now: the operands of verdicts.

SQL adds numbers where addition is exact; quotients come out singly and are added as fractions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection
from services.core.kit.decimals import total
from services.core.plan.state import PlanState
from services.core.scoring.aggregation import Operands
from services.core.scoring.counted import statements
from services.core.scoring.statements import CONTRIBUTIONS
from services.core.scoring.tenures import Sharers, Tenure, Tenures, rank, units_named

_SUMMED = (
    *("period", "reports", "values", "value_sum", "ratios", "numerator_sum", "denominator_sum"),
    *("not_applicable", "not_applicable_reason", "provisional", "falsified", "organization_code"),
)


Supposition = Mapping[str, Sequence[Any]]
"""Values that count differently or no longer: the array parameters of `statements.SUPPOSING`."""


@dataclass(frozen=True, slots=True)
class CountingScope:
    """Which indicators to count, and how.

    `owned` has the tenures of indicators where one unit's value is the city's, `shared` the sharers
    of the others. For indicators in `apart`, ratios are summed or averaged over the units. For
    those in `by_parts`, numerators and denominators are summed, over units or periods.
    """

    codes: Sequence[str]
    owned: Tenures
    apart: Sequence[str]
    shared: Mapping[str, Sharers] = field(default_factory=dict)
    by_parts: Sequence[str] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The (indicator, unit) pairs that may count, for indicators where not every unit may."""
        owned = {code: units_named(held) for code, held in self.owned.items()}
        named = [
            (code, unit) for code, units in owned.items() if None not in units for unit in units
        ]
        return [(code, unit) for code, unit in named if unit is not None] + [
            (code, unit) for code, sharers in self.shared.items() for unit in sharers.ever
        ]

    @property
    def by_unit(self) -> list[str]:
        """The indicators for which Python, not SQL, has to choose whose values count."""
        return [*self.owned, *(code for code, held in self.shared.items() if held.changed)]

    def may_count(self, code: str, unit: str) -> bool:
        """Return whether a unit's value may ever count."""
        if code in self.shared:
            return unit in self.shared[code].ever
        named = units_named(self.owned[code]) if code in self.owned else frozenset({None})
        return None in named or unit in named


async def operands(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    counted: CountingScope,
    bases: Collection[str] = (),
    periods: Collection[str] | None = None,
    supposed: Supposition | None = None,
) -> dict[str, dict[tuple[str, str], Operands]]:
    """Return the values that count now, summed over the units: by basis, then (indicator, period).

    `periods` None reads every basis and period. If `periods` are given, `supposed` values replace
    those that count now.
    """
    connection = await driver_connection(session)
    pairs = counted.pairs
    wanted = {
        "city": city_code,
        "plan": plan_code,
        "codes": list(counted.codes),
        "owned_codes": [code for code, _ in pairs],
        "owned_units": [unit for _, unit in pairs],
        "apart": list(counted.apart),
        "by_unit": counted.by_unit,
        "by_parts": list(counted.by_parts),
    }
    if periods is None:
        await connection.execute(statements.PLAN_ANEW)
        statement = statements.ALL_OPERANDS.bind(wanted)
    else:
        wanted |= {"bases": list(bases), "periods": list(periods)}
        if supposed is None:
            statement = statements.SOME_OPERANDS.bind(wanted)
        else:
            statement = statements.SUPPOSED_OPERANDS.bind({**wanted, **supposed})
    rows = await connection.fetch(*statement)
    by_basis: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_basis.setdefault(row["basis"], []).append(row)
    return {basis: _chosen(some, counted) for basis, some in by_basis.items()}


def _chosen(
    rows: Iterable[Mapping[str, Any]], counted: CountingScope
) -> dict[tuple[str, str], Operands]:
    """Return the operands of one basis; if units compete, those of the units that count."""
    found: dict[tuple[str, str], Operands] = {}
    rivals: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    by_unit = frozenset(counted.by_unit)
    for row in rows:
        place = (row["indicator_code"], row["period"])
        if row["indicator_code"] in by_unit:
            rivals.setdefault(place, []).append(row)
        else:
            found[place] = _operands(row)
    for place, some in rivals.items():
        code, period = place
        owned = code in counted.owned
        chosen = (
            _of_owner(some, counted.owned[code])
            if owned
            else _of_sharers(some, counted.shared[code], period)
        )
        if chosen is not None:
            found[place] = chosen
    return found


def _of_sharers(
    rows: Sequence[Mapping[str, Any]], sharers: Sharers, period: str
) -> Operands | None:
    """Return the combined operands of the units whose values count; None: there are none."""
    since = {row["organization_code"]: row["from_position"] for row in rows}
    units = sharers.counting(period, since)
    counting = [row for row in rows if row["organization_code"] in units]
    if not counting:
        return None
    return replace(_operands(_merged(counting)), organizations=tuple(sorted(units)))


_COUNTS = ("reports", "values", "ratios", "not_applicable", "provisional", "falsified")
_SUMS = ("value_sum", "numerator_sum", "denominator_sum", "plain_sum")
_LISTS = ("tops", "bottoms", "unparted")


def _merged(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Merge rows of single units into the row that SQL would have returned for their sum."""
    if len(rows) == 1:
        return rows[0]

    def given(name: str) -> list[Any]:
        return [row[name] for row in rows if row[name] is not None]

    return {
        "period": rows[0]["period"],
        **{name: sum(row[name] for row in rows) for name in _COUNTS},
        **{name: total(given(name)) if given(name) else None for name in _SUMS},
        **{name: [one for each in given(name) for one in each] for name in _LISTS},
        "lowest_level": min(given("lowest_level"), default=None),
        "highest_level": max(given("highest_level"), default=None),
        "not_applicable_reason": min(given("not_applicable_reason"), default=None),
        "organization_code": None,
        "from_position": max(row["from_position"] for row in rows),
    }


def _of_owner(rows: Sequence[Mapping[str, Any]], tenures: Sequence[Tenure]) -> Operands | None:
    """Return the value of the latest owner; None: no owner reported.

    If every unit was an owner and several reported, it is undecidable whose value is the city's.
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
        unparted=tuple(row["unparted"] or ()),
    )


def _by_denominator(
    tops: Sequence[Decimal], bottoms: Sequence[Decimal]
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Combine quotients that have the same denominator, in order of the denominator."""
    found: dict[Decimal, list[Decimal]] = {}
    for top, bottom in zip(tops, bottoms, strict=True):
        found.setdefault(bottom, []).append(top)
    return tuple((total(found[bottom]), bottom) for bottom in sorted(found))


def operands_of(
    rows: Sequence[Mapping[str, Any]], counted: CountingScope
) -> dict[tuple[str, str], Operands]:
    """Add up rows of `score_input` of one basis, with the same result as the SQL statement."""
    gathered: dict[tuple[str, str, str | None], list[Mapping[str, Any]]] = {}
    by_unit = frozenset(counted.by_unit)
    for row in rows:
        code, unit = row["indicator_code"], row["organization_code"]
        if counted.may_count(code, unit):
            key = (code, row["period"], unit if code in by_unit else None)
            gathered.setdefault(key, []).append(row)
    added = [
        {
            "indicator_code": code,
            **_added(several, apart=code in counted.apart, by_parts=code in counted.by_parts),
        }
        for (code, _, _), several in gathered.items()
    ]
    return _chosen(added, counted)


def _added(rows: Sequence[Mapping[str, Any]], *, apart: bool, by_parts: bool) -> Mapping[str, Any]:
    def given(name: str) -> list[Any]:
        return [row[name] for row in rows if row[name] is not None]

    def sum_of(numbers: list[Decimal]) -> Decimal | None:
        return total(numbers) if numbers else None

    ratios = [row for row in rows if row["denominator"] is not None and row["value"] is not None]
    plain = [row["value"] for row in rows if row["denominator"] is None]
    bare = [row["organization_code"] for row in rows if _is_bare(row)]
    return {
        "period": rows[0]["period"],
        "reports": len(rows),
        "values": len(given("value")),
        "value_sum": sum_of(given("value")),
        "ratios": len(given("denominator")),
        "numerator_sum": sum_of(given("numerator")),
        "denominator_sum": sum_of(given("denominator")),
        "lowest_level": min(given("level"), default=None),
        "highest_level": max(given("level"), default=None),
        "not_applicable": len(given("not_applicable_reason")),
        "not_applicable_reason": min(given("not_applicable_reason"), default=None),
        "provisional": sum(1 for row in rows if row["provisional"]),
        "falsified": sum(1 for row in rows if row["falsified"]),
        "organization_code": rows[0]["organization_code"] if len(rows) == 1 else None,
        "from_position": max(row["from_position"] for row in rows),
        "plain_sum": sum_of([value for value in plain if value is not None]),
        "tops": [row["numerator"] for row in ratios] if apart else None,
        "bottoms": [row["denominator"] for row in ratios] if apart else None,
        "unparted": sorted(bare) if by_parts else None,
    }


def _is_bare(row: Mapping[str, Any]) -> bool:
    """Return whether a value was reported without numerator and denominator."""
    return row["value"] is not None and row["denominator"] is None


def finer_operands(
    rows: Sequence[Mapping[str, Any]], code: str, counted: CountingScope
) -> tuple[Operands, ...]:
    """Add up rows of one indicator by period; the rows are in the order of their periods."""
    by_period: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_period.setdefault(row["period"], []).append(row)
    found = []
    for some in by_period.values():
        apart, by_parts = code in counted.apart, code in counted.by_parts
        units = tuple(sorted(row["organization_code"] for row in some))
        together = _operands(_added(some, apart=apart, by_parts=by_parts))
        found.append(replace(together, organizations=units))
    return tuple(found)


async def with_units(
    session: AsyncSession,
    state: PlanState,
    operated: dict[str, dict[tuple[str, str], Operands]],
    *,
    counted: CountingScope,
    bases: Collection[str] = (),
    periods: Collection[str] | None = None,
    supposed: Supposition | None = None,
) -> dict[str, dict[tuple[str, str], Operands]]:
    """Add to the operands the values of each unit that has a target of its own."""
    pairs = {
        (code, target.organization)
        for code in counted.codes
        for target in state.indicators[code].unit_targets
        if counted.may_count(code, target.organization)
    }
    if not pairs:
        return operated
    connection = await driver_connection(session)
    wanted = {
        "city": state.city_code,
        "plan": state.code,
        "codes": [code for code, _ in pairs],
        "units": [unit for _, unit in pairs],
        "bases": list(bases),
        "periods": None if periods is None else list(periods),
    }
    if supposed is None:
        rows = await connection.fetch(*statements.INPUTS_OF_UNITS.bind(wanted))
    else:
        rows = await connection.fetch(*statements.SUPPOSED_OF_UNITS.bind({**wanted, **supposed}))
    for row in rows:
        place, places = (row["indicator_code"], row["period"]), operated.get(row["basis"], {})
        known = places[place].organizations if place in places else ()
        if place in places and (not known or row["organization_code"] in known):
            single = _added(
                [row], apart=place[0] in counted.apart, by_parts=place[0] in counted.by_parts
            )
            alone = _operands(single)
            places[place] = replace(places[place], of_units=(*places[place].of_units, alone))
    return operated


MOST_CONTRIBUTIONS = 500
"""At most this many values that counted for a score are listed."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """A reported value that counted for a score."""

    submission_id: UUID
    revision: int
    organization_code: str
    period: str
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    level: str | None
    not_applicable_reason: str | None
    provisional: bool
    falsified: bool


@dataclass(frozen=True, slots=True)
class ScoreSubject:
    """The subject of a score: an indicator on a basis, and the periods that it reads."""

    indicator: str
    basis: str
    periods: Sequence[str]


async def contributions(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    place: ScoreSubject,
    position: int,
    unit: str | None = None,
) -> tuple[list[Contribution], int]:
    """Return the values that counted for a score at a log position, by period and unit.

    With `unit`, only that unit's values, at most 500, and the number of values of other units.
    """
    connection = await driver_connection(session)
    wanted = {
        "city": city_code,
        "plan": plan_code,
        "basis": place.basis,
        "indicator": place.indicator,
        "periods": list(place.periods),
        "position": position,
        "unit": unit,
        "most": MOST_CONTRIBUTIONS,
    }
    rows = await connection.fetch(*CONTRIBUTIONS.bind(wanted))
    listed = [Contribution(*row[:-1]) for row in rows]
    if unit is None:
        return listed, 0
    own = [one for one in listed if one.organization_code == unit]
    return own, (rows[0]["found"] if rows else 0) - len(own)
