"""Combines the units' reported values into the city's value of a period. Knows no targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.kit.decimals import times, total
from services.core.scoring.figures import ZERO, Figure, added, divided, fraction

UnitOperator = Literal["direct", "sum", "mean", "ratio_of_sums"]
PeriodOperator = Literal["last", "sum", "mean", "ratio_of_sums"]
Unusable = Literal[
    "several_units",
    "levels_differ",
    "no_level",
    "no_number",
    "no_parts",
    "parts_lacking",
    "periods_mixed",
    "zero_denominator",
]


@dataclass(frozen=True, slots=True)
class Operands:
    """The values that count for one indicator and period, summed over the units, exactly.

    `reports` counts units; `values` and `ratios` those with a value, and those with numerator and
    denominator. `levels` are the lowest and highest code, a single code if they are equal.
    `organization_code` is the unit if there is only one. `organizations` are all units if several
    owe a part, and `of_units` the operands of each unit that has a target of its own. `unparted`
    are units whose value has no parts although parts are summed. `value_sum` sums the stored
    values, with ratios rounded. If ratios are summed or averaged, `quotients` are their (numerator,
    denominator), combined by equal denominator, and `plain_sum` sums the other values. `finer` are
    the operands of other units that reported only for finer periods, oldest first: they have no
    value for this one.
    """

    period: str
    reports: int
    values: int = 0
    value_sum: Decimal | None = None
    ratios: int = 0
    numerator_sum: Decimal | None = None
    denominator_sum: Decimal | None = None
    levels: tuple[str, ...] = ()
    not_applicable: int = 0
    not_applicable_reason: str | None = None
    provisional: int = 0
    falsified: int = 0
    organization_code: str | None = None
    plain_sum: Decimal | None = None
    quotients: tuple[tuple[Decimal, Decimal], ...] = ()
    organizations: tuple[str, ...] = ()
    of_units: "tuple[Operands, ...]" = ()
    unparted: tuple[str, ...] = ()
    finer: "tuple[Operands, ...]" = ()


@dataclass(frozen=True, slots=True)
class Operators:
    """How units and periods combine; `multiplier` converts a ratio to the indicator's unit."""

    units: UnitOperator
    periods: PeriodOperator
    multiplier: Decimal
    by_level: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """The value as far as it can be read: one of four forms, or none if nothing counts.

    A level alone is judged, but a figure may come with it. `lacking` are the units whose value has
    no parts, by period, if that makes the value unusable.
    """

    figure: Figure | None = None
    level: str | None = None
    not_applicable: str | None = None
    unusable: Unusable | None = None
    lacking: tuple[tuple[str, str], ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all was reported."""
        return self == NOTHING


NOTHING = Reading()


@dataclass(frozen=True, slots=True)
class Combined:
    """A period's reading, and the quality of the data behind it."""

    reading: Reading
    provisional: bool = False
    falsified: bool = False


def read_units(operands: Operands, operators: Operators) -> Reading:
    """Return the reading of one period over its units; units with "not applicable" are left out."""
    if operands.reports == operands.not_applicable:
        return Reading(not_applicable=operands.not_applicable_reason or "")
    if operators.by_level:
        return _read_level(operands)
    if operators.units == "direct" and operands.reports > 1:
        return Reading(unusable="several_units")
    if not operands.values:
        return Reading(unusable="no_number")
    if operators.units == "ratio_of_sums" or (operators.units == "direct" and operands.ratios):
        return _read_ratio((operands,), operators.multiplier)
    divisor = operands.values if operators.units == "mean" else 1
    return Reading(figure=divided(_added_up(operands, operators.multiplier), Decimal(divisor)))


def _added_up(operands: Operands, multiplier: Decimal) -> Figure:
    """Return the exact sum of the values, with ratios unrounded."""
    if not operands.quotients:
        return Figure(operands.value_sum or ZERO)
    ratios = [fraction(times(top, multiplier), bottom) for top, bottom in operands.quotients]
    return added([Figure(operands.plain_sum), *ratios] if operands.plain_sum else ratios)


def combine(own: Operands | None, parts: Sequence[Operands], operators: Operators) -> Combined:
    """Return a period's reading: from its own value, else from its finer periods, oldest first.

    If several units share it, each unit counts with its own value, or with its finer periods.
    """
    if own is not None and own.finer:
        used = (own, *own.finer)
        return _combined(_over_both(own, operators), used)
    if own is not None:
        return _combined(read_units(own, operators), (own,))
    readings = [(read_units(part, operators), part) for part in parts]
    applicable = [(reading, part) for reading, part in readings if reading.not_applicable is None]
    if not applicable:
        return _combined(readings[-1][0], parts) if readings else Combined(NOTHING)
    if operators.periods == "last" or operators.by_level:
        reading, part = applicable[-1]
        return _combined(reading, (part,))
    used = tuple(part for _, part in applicable)
    return _combined(_over_periods([reading for reading, _ in applicable], used, operators), used)


def _read_level(operands: Operands) -> Reading:
    if not operands.levels:
        return Reading(unusable="no_level")
    if len(operands.levels) > 1:
        return Reading(unusable="levels_differ")
    beside = None if operands.value_sum is None else Figure(operands.value_sum)
    return Reading(figure=beside, level=operands.levels[0])


def _read_ratio(parts: Sequence[Operands], multiplier: Decimal) -> Reading:
    """Return Σ numerator × multiplier ÷ Σ denominator; rates are never averaged.

    If a value has no parts it cannot be summed, and leaving it out would give a figure that nobody
    reported, so there is no reading.
    """
    lacking = tuple((unit, part.period) for part in parts for unit in part.unparted)
    if lacking:
        return Reading(unusable="parts_lacking", lacking=lacking)
    if not any(part.ratios for part in parts):
        return Reading(unusable="no_parts")
    denominator = total([part.denominator_sum or ZERO for part in parts])
    numerator = total([part.numerator_sum or ZERO for part in parts])
    if denominator == 0:
        return Reading(unusable="zero_denominator")
    return Reading(figure=fraction(times(numerator, multiplier), denominator))


def _over_periods(
    readings: Sequence[Reading], used: Sequence[Operands], operators: Operators
) -> Reading:
    if operators.periods == "ratio_of_sums":
        return _read_ratio(used, operators.multiplier)
    broken = next((reading for reading in readings if reading.figure is None), None)
    if broken is not None:
        return broken
    whole = added([reading.figure for reading in readings if reading.figure is not None])
    divisor = len(readings) if operators.periods == "mean" else 1
    return Reading(figure=divided(whole, Decimal(divisor)))


def _over_both(own: Operands, operators: Operators) -> Reading:
    """Combine units that have a value of the period with units that have only finer ones."""
    alone, rest = read_units(own, operators), combine(None, own.finer, operators).reading
    if alone.not_applicable is not None:
        return rest
    if rest.not_applicable is not None or alone.unusable is not None:
        return alone
    if operators.by_level and rest.unusable is None:
        return alone if alone.level == rest.level else Reading(unusable="levels_differ")
    if operators.units == "ratio_of_sums":
        return _ratio_of_both(own, operators)
    if alone.figure is None or rest.figure is None:
        return rest
    return Reading(figure=_added_both(alone.figure, rest.figure, own, operators))


def _added_both(alone: Figure, rest: Figure, own: Operands, operators: Operators) -> Figure:
    """Return the sum of both figures, or their mean weighted by the number of units behind each."""
    if operators.units != "mean":
        return added([alone, rest])
    counts = (own.values, max(part.values for part in own.finer))
    weighed = [
        Figure(times(each.top, Decimal(count)), each.bottom)
        for each, count in zip((alone, rest), counts, strict=True)
    ]
    return divided(added(weighed), Decimal(sum(counts)))


def _ratio_of_both(own: Operands, operators: Operators) -> Reading:
    """Return Σ numerator ÷ Σ denominator of both, if the finer periods have such sums."""
    parts = [part for part in own.finer if part.reports != part.not_applicable]
    if operators.periods == "last":
        return _read_ratio((own, *parts[-1:]), operators.multiplier)
    if operators.periods == "ratio_of_sums":
        return _read_ratio((own, *parts), operators.multiplier)
    return Reading(unusable="periods_mixed")


def _combined(reading: Reading, used: Sequence[Operands]) -> Combined:
    return Combined(
        reading,
        provisional=any(part.provisional for part in used),
        falsified=any(part.falsified for part in used),
    )
