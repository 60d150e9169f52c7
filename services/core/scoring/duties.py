"""Reads who owes which values, and who reported their part of a shared one."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection
from services.core.plan.state import PlanState
from services.core.scoring.aggregation import Operands
from services.core.scoring.cases import IndicatorFacts, finer_of
from services.core.scoring.counted.statements import (
    INPUTS_OF_UNITS,
    REPORTING_UNITS,
    SUPPOSED_OF_UNITS,
    SUPPOSED_UNITS,
)
from services.core.scoring.counting import CountingScope, Supposition, finer_operands
from services.core.scoring.owed import Former, units_behind
from services.core.scoring.statements import FORMER_DUTIES


async def former_duties(
    session: AsyncSession, state: PlanState, facts: Mapping[str, IndicatorFacts]
) -> Former:
    """Return who owed a value in a closed or published period, if that differs from today.

    The plan decides who owes values for an open period; for a closed one the obligations stay as
    they were.
    """
    over = [state.period_calendar.period(code) for code in state.periods if state.is_over(code)]
    places = [
        (each.indicator.code, period.code)
        for each in facts.values()
        for period in over
        if period.frequency == state.cycle(each.indicator, period)
    ]
    if not places:
        return Former()
    named = [(each.indicator.code, unit) for each in facts.values() for unit in each.reporters]
    rows = await session.execute(
        FORMER_DUTIES,
        {
            "city": state.city_code,
            "plan": state.code,
            "codes": [code for code, _ in places],
            "periods": [period for _, period in places],
            "named": [code for code, _ in named],
            "units": [unit for _, unit in named],
        },
    )
    found: dict[str, dict[tuple[str, str], set[str]]] = {"excused": {}, "owing": {}, "unasked": {}}
    names = {}
    for what, code, period, unit, name in rows:
        found[what].setdefault((code, period), set()).add(unit)
        if what == "owing":
            names[unit] = name
    excused, owing = (
        {place: frozenset(units) for place, units in found[which].items()}
        for which in ("excused", "owing")
    )
    return Former(excused, owing, names, frozenset(found["unasked"]))


OperatedBy = dict[str, dict[tuple[str, str], Operands]]
"""Operands by basis, then (indicator, period)."""


async def with_organizations(
    session: AsyncSession,
    state: PlanState,
    operated: OperatedBy,
    *,
    counted: CountingScope,
    bases: Collection[str] = (),
    periods: Collection[str] | None = None,
    supposed: Supposition | None = None,
) -> OperatedBy:
    """Add to the operands the units behind them, for indicators that several units owe."""
    shared = counted.shared
    if not shared:
        return operated
    connection = await driver_connection(session)
    wanted = {
        "city": state.city_code,
        "plan": state.code,
        "codes": list(shared),
        "bases": list(bases),
        "periods": None if periods is None else list(periods),
    }
    if supposed is None:
        rows = await connection.fetch(*REPORTING_UNITS.bind(wanted))
    else:
        rows = await connection.fetch(*SUPPOSED_UNITS.bind({**wanted, **supposed}))
    for basis, code, period, units in rows:
        place, places = (code, period), operated.get(basis, {})
        if place in places and not places[place].organizations:
            counting = tuple(unit for unit in units if counted.may_count(code, unit))
            places[place] = replace(places[place], organizations=counting)
    return operated


async def with_finer_periods(
    session: AsyncSession,
    state: PlanState,
    operated: OperatedBy,
    *,
    counted: CountingScope,
    bases: Collection[str] = (),
    supposed: Supposition | None = None,
) -> OperatedBy:
    """Add to the operands the values of units that reported only for finer periods.

    If some units have a value of a wider period, the others' finer values count beside it. That is
    rare, so the rows are read only if the units behind both periods show that they are needed.
    """
    wanted = {
        basis: found
        for basis, places in operated.items()
        if (found := _others(state, places, counted))
    }
    if not wanted:
        return operated
    pairs = {
        (code, unit)
        for found in wanted.values()
        for (code, _), by_period in found.items()
        for units in by_period.values()
        for unit in units
    }
    periods = {code for found in wanted.values() for each in found.values() for code in each}
    asked = {
        "city": state.city_code,
        "plan": state.code,
        "codes": [code for code, _ in pairs],
        "units": [unit for _, unit in pairs],
        "bases": list(bases),
        "periods": list(periods),
    }
    connection = await driver_connection(session)
    if supposed is None:
        rows = await connection.fetch(*INPUTS_OF_UNITS.bind(asked))
    else:
        rows = await connection.fetch(*SUPPOSED_OF_UNITS.bind({**asked, **supposed}))
    for basis, found in wanted.items():
        for place, by_period in found.items():
            others = [
                row
                for period, units in by_period.items()
                for row in rows
                if (row["basis"], row["indicator_code"], row["period"]) == (basis, place[0], period)
                and row["organization_code"] in units
            ]
            finer = finer_operands(others, place[0], counted)
            operated[basis][place] = replace(operated[basis][place], finer=finer)
    return operated


def _others(
    state: PlanState, places: Mapping[tuple[str, str], Operands], counted: CountingScope
) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
    """Return for each wider slot and finer period the units that reported only the finer one."""
    found: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    for (code, period), own in places.items():
        if code not in counted.shared:
            continue
        whole = units_behind(own)
        place = state.period_calendar.period(period)
        for finer in finer_of(state, state.indicators[code], place):
            part = places.get((code, finer))
            others = frozenset() if part is None else units_behind(part) - whole
            if others:
                found.setdefault((code, period), {})[finer] = others
    return found
