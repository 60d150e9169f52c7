"""Validates the measures of a plan's registers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.condition_faults import check_conditions
from services.core.plan.count_entries import RowCheck
from services.core.plan.count_faults import (
    check_circles,
    check_counts,
    check_number,
    check_survey,
)
from services.core.plan.document import PlanDocument
from services.core.plan.register_columns import Columns, Registers, columns_of, registers_of
from services.core.plan.register_entries import RegisterMeasure, RowCondition
from services.core.plan.register_faults import check_day


def check_measures(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    """Add the faults of the measures of a document's registers."""
    registers = registers_of(document, codes["register"], faults)
    measured = []
    for at, register in enumerate(document.registers):
        columns = columns_of(f"/registers/{at}", register, faults)
        check_counts(f"/registers/{at}", register, columns, registers, faults)
        place = f"/registers/{at}/measures"
        named = [(f"{place}/{n}/code", one.code) for n, one in enumerate(register.measures)]
        faults.add_repeats("duplicate-code", named)
        for number, measure in enumerate(register.measures):
            here = f"{place}/{number}"
            _Measured(here, measure, columns, register.checks, registers, faults).check()
            if measure.indicator is not None:
                measured.append((f"{here}/indicator", measure.indicator))
                faults.add_unknown(f"{here}/indicator", measure.indicator, codes["indicator"])
                _check_indicator(here, measure, document, faults)
    faults.add_repeats("measured-twice", measured)
    check_circles(document.registers, faults)


def _check_indicator(
    place: str, measure: RegisterMeasure, document: PlanDocument, faults: Faults
) -> None:
    """Add a fault if the indicator of a measure cannot take the measure's kind of value."""
    for at, found in enumerate(document.indicators):
        if found.code != measure.indicator:
            continue
        levels, units = f"/indicators/{at}/levels", f"/indicators/{at}/aggregation"
        named = f"{place}/indicator"
        if found.levels:
            faults.add("measured-by-level", named, measure.indicator, [levels])
        direct = found.aggregation.units == "direct"
        if direct and measure.per == "unit":
            faults.add("several-of-a-unit", f"{place}/per", measure.per, [units, named])
        if not direct and measure.per == "city":
            faults.add("several-of-the-city", f"{place}/per", measure.per, [units, named])


@dataclass(frozen=True, slots=True)
class _Measured:
    """A measure at its place, with columns and checks of its register and the other registers."""

    place: str
    measure: RegisterMeasure
    columns: Columns
    checks: tuple[RowCheck, ...]
    registers: Registers
    faults: Faults

    def check(self) -> None:
        """Add the faults of the measure."""
        self._check_day()
        self.faults.add_unknown_among(
            f"{self.place}/distinct", self.measure.distinct, self.columns.codes
        )
        check_number(f"{self.place}/column", self.measure.column, self.columns, self.faults)
        check_survey(self.place, self.measure, self.columns, self.checks, self.faults)
        self._check_where(self.place, self.measure.where, self.columns)
        self._check_kind()
        if self.measure.denominator is not None:
            self._check_denominator(f"{self.place}/denominator")

    def _check_kind(self) -> None:
        """Add the members that a measure's kind lacks, or does not allow."""
        measure, add = self.measure, self.faults.add
        kind, column = f"{self.place}/kind", f"{self.place}/column"
        at = f"{self.place}/denominator"
        summed = measure.column is not None
        if measure.kind in {"sum", "survey"} and not summed:
            add("column-required", column, None, [kind])
        if measure.kind == "count" and summed:
            add("column-not-expected", column, measure.column, [kind])
        undated = measure.kind == "sum" and (measure.at == "period_end" or measure.day is None)
        adds_up = undated or measure.kind == "survey" or (measure.kind == "ratio" and summed)
        if measure.distinct and adds_up:
            add("distinct-not-expected", f"{self.place}/distinct", None, [kind, column])
        is_share = measure.kind in {"ratio", "coverage"}
        if measure.denominator is not None and not is_share:
            add("denominator-not-expected", at, None, [kind])
        if measure.denominator is None and is_share:
            add("denominator-required", at, None, [kind])
        if measure.kind == "coverage" and measure.per == "unit":
            add("coverage-of-the-city", f"{self.place}/per", measure.per, [kind])

    def _check_denominator(self, at: str) -> None:
        below = self.measure.denominator
        if below is None:
            return
        rests_on = [f"{self.place}/{member}" for member in ("kind", "column", "distinct")]
        if self.measure.kind == "ratio":
            if below.listed_in is not None or below.match is not None:
                self.faults.add("ratio-of-another-register", at, None, rests_on)
            check_number(f"{at}/column", below.column, self.columns, self.faults)
            self._check_where(at, below.where, self.columns)
            return
        if self.measure.kind != "coverage":
            return
        named = below.listed_in is not None and below.match is not None
        summed = self.measure.column is not None or below.column is not None
        if not named or summed or len(self.measure.distinct) != 1:
            self.faults.add("coverage-incomplete", at, None, rests_on)
        self.faults.add_unknown(f"{at}/listed_in", below.listed_in, self.registers.codes)
        other = self.registers.columns.get(below.listed_in or "")
        if other is not None:
            self.faults.add_unknown(f"{at}/match", below.match, other.codes)
            self._check_where(at, below.where, other)

    def _check_day(self) -> None:
        day, at = self.measure.day, f"{self.place}/at"
        if self.measure.at == "period_end":
            if day is not None:
                self.faults.add("day-not-expected", f"{self.place}/day", day, [at])
            return
        if day is None:
            self.faults.add("day-required", f"{self.place}/day", None, [at])
            return
        check_day(f"{self.place}/day", day, self.columns, self.faults, months=True)

    def _check_where(
        self, place: str, conditions: tuple[RowCondition, ...], columns: Columns
    ) -> None:
        check_conditions(f"{place}/where", conditions, columns, self.faults, of_period=True)
