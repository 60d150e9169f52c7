"""Validates the surveys, the checks and the totals of a plan's registers. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Faults
from services.core.plan.count_entries import MOST_ANSWERS, RowCheck, RowOperator, RowTerm
from services.core.plan.register_columns import Columns, Registers
from services.core.plan.register_entries import (
    ColumnType,
    Register,
    RegisterColumn,
    RegisterMeasure,
)

_NUMBERS: frozenset[ColumnType] = frozenset({"decimal", "integer"})
_OF_TOTALS: frozenset[ColumnType] = frozenset(
    {"integer", "date", "month", "choice", "organization", "yes_no"}
)
"""The types of columns that a register of totals may have: none of them can name a person."""


def check_counts(
    place: str, register: Register, columns: Columns, registers: Registers, faults: Faults
) -> None:
    """Add the faults of a register's checks, and of the columns of a register of totals."""
    named = [(f"{place}/checks/{at}/code", one.code) for at, one in enumerate(register.checks)]
    faults.add_repeats("duplicate-code", named)
    for at, check in enumerate(register.checks):
        _RowChecked(f"{place}/checks/{at}", place, register, columns, registers, faults).check(
            check
        )
    for at, column in enumerate(register.columns):
        _check_month(f"{place}/columns/{at}", column, columns, faults)
        if register.aggregates:
            _check_total(place, f"{place}/columns/{at}", column, faults)


def _check_month(at: str, column: RegisterColumn, columns: Columns, faults: Faults) -> None:
    """Add a fault if the column that a day must agree with holds no month."""
    if column.in_month is None:
        return
    if column.type != "date":
        faults.add("month-of-no-day", f"{at}/in_month", column.in_month, [f"{at}/type"])
    faults.add_unknown(f"{at}/in_month", column.in_month, columns.codes)
    found = columns.find(column.in_month)
    if found is not None and found[1].type != "month":
        faults.add("not-a-month", f"{at}/in_month", column.in_month, [f"{found[0]}/type"])


def _check_total(place: str, at: str, column: RegisterColumn, faults: Faults) -> None:
    """Add a fault if a column could hold a person's name or number."""
    rests_on = [f"{place}/aggregates"]
    if column.type not in _OF_TOTALS:
        faults.add("words-in-aggregates", f"{at}/type", column.type, rests_on, type=column.type)
    if column.type != "integer":
        return
    least, most = column.minimum, column.maximum
    if least is None or least < 0 or most is None or most > MOST_ANSWERS:
        faults.add(
            "count-without-bounds",
            f"{at}/maximum",
            None if most is None else plain(most),
            [*rests_on, f"{at}/type", f"{at}/minimum"],
        )


@dataclass(frozen=True, slots=True)
class _RowChecked:
    """A check at its place, with its register at `of` and the other registers."""

    place: str
    of: str
    register: Register
    columns: Columns
    registers: Registers
    faults: Faults

    def check(self, check: RowCheck) -> None:
        """Add the faults of the check."""
        add = self.faults.add
        if check.tolerance < 0:
            add("negative-tolerance", f"{self.place}/tolerance", plain(check.tolerance))
        terms = [(side, at, one) for side in ("left", "right") for at, one in _sides(check, side)]
        for side, at, term in terms:
            self._check_term(f"{self.place}/{side}/{at}", term)
        if not any(term.column is not None for _, _, term in terms):
            rests_on = [f"{self.place}/left", f"{self.place}/right"]
            add("row-check-of-nothing", self.place, None, rests_on)
        if check.is_far and check.importance == "block" and not self.register.review:
            rests_on = [f"{self.of}/review"]
            add("block-without-review", f"{self.place}/importance", None, rests_on)

    def _check_term(self, here: str, term: RowTerm) -> None:
        members = [f"{here}/{one}" for one in ("column", "constant", "at", "summed_in")]
        if (term.column is None) == (term.constant is None):
            self.faults.add("row-term-of-one", here, None, members)
        if term.times == 0:
            self.faults.add("multiplier-zero", f"{here}/times", "0")
        reaches = (term.at != "row") + (term.summed_in is not None)
        if reaches > (0 if term.constant is not None else 1):
            self.faults.add("two-reaches", here, None, members)
        if term.at != "row" and self.register.month_of_key is None:
            rests_on = [f"{self.of}/key", f"{self.of}/columns"]
            self.faults.add("no-month-in-key", f"{here}/at", term.at, rests_on)
        if term.summed_in is None:
            check_number(f"{here}/column", term.column, self.columns, self.faults)
            return
        self.faults.add_unknown(f"{here}/summed_in", term.summed_in, self.registers.codes)
        other = self.registers.columns.get(term.summed_in)
        if other is not None:
            check_number(f"{here}/column", term.column, other, self.faults)
            self._check_key(here, term.summed_in, other)

    def _check_key(self, here: str, code: str, other: Columns) -> None:
        lacking = [one for one in self.register.key if other.codes.complete and not other.find(one)]
        if lacking:
            rests_on = [f"{self.of}/key"]
            self.faults.add(
                "key-of-another-register",
                f"{here}/summed_in",
                code,
                rests_on,
                columns=", ".join(lacking),
            )


def check_circles(registers: Sequence[Register], faults: Faults) -> None:
    """Add a fault for each sum in a cycle of registers whose rows await each other's confirmation.

    A blocking check sums confirmed rows only: in a cycle no row could be confirmed first. A check
    that holds while the sum is 0, such as a row that is at least the sum, waits for nothing.
    """
    edges = [
        (register.code, term.summed_in, f"/registers/{of}/checks/{at}/{side}/{number}/summed_in")
        for of, register in enumerate(registers)
        for at, check in enumerate(register.checks)
        if check.importance == "block"
        for side in ("left", "right")
        for number, term in _sides(check, side)
        if term.summed_in is not None and _waits(check.operator, side, term)
    ]
    waits: dict[str, set[str]] = {}
    for code, summed, _ in edges:
        waits.setdefault(code, set()).add(summed)
    for code, summed, place in edges:
        if code in _reached(summed, waits):
            faults.add("sums-in-a-circle", place, summed, [one for _, _, one in edges])


def _waits(operator: RowOperator, side: str, term: RowTerm) -> bool:
    """Return whether a check may be broken while its sum is 0."""
    bounds_from_above = operator in {"<=", "<"}
    if operator == "==" or term.times < 0:
        return True
    return bounds_from_above == (side == "right")


def _reached(begin: str, waits: Mapping[str, set[str]]) -> set[str]:
    """Return all registers that one waits for, directly or indirectly, and itself."""
    found, ahead = {begin}, [begin]
    while ahead:
        new = waits.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


def _sides(check: RowCheck, side: str) -> Iterator[tuple[int, RowTerm]]:
    yield from enumerate(check.left if side == "left" else check.right)


def check_number(place: str, code: str | None, columns: Columns, faults: Faults) -> None:
    """Add a fault if the code at `place` is no column, or not a column of numbers."""
    faults.add_unknown(place, code, columns.codes)
    found = columns.find(code)
    if found is not None and found[1].type not in _NUMBERS:
        faults.add("not-a-number", place, code, [f"{found[0]}/type"])


def check_survey(
    place: str,
    measure: RegisterMeasure,
    columns: Columns,
    checks: tuple[RowCheck, ...],
    faults: Faults,
) -> None:
    """Add the faults of a measure's survey: missing members, and columns that do not hold counts.

    One of the `checks` of its register must refuse rows with more positive answers than answers.
    """
    rule, kind = measure.survey, f"{place}/kind"
    if measure.kind != "survey":
        if rule is not None:
            faults.add("survey-not-expected", f"{place}/survey", None, [kind])
        return
    if rule is None:
        faults.add("survey-required", f"{place}/survey", None, [kind])
        return
    if measure.per != "city":
        faults.add("survey-of-the-city", f"{place}/per", measure.per, [kind])
    if measure.times != 1:
        faults.add("survey-times", f"{place}/times", plain(measure.times), [kind])
    _check_count("not-a-count", f"{place}/column", measure.column, columns, faults)
    at = f"{place}/survey"
    _check_count("not-a-count", f"{at}/answers", rule.answers, columns, faults)
    _check_count("not-a-frame", f"{at}/frame", rule.frame, columns, faults)
    faults.add_unknown(f"{at}/group", rule.group, columns.codes)
    found = columns.find(rule.group)
    if found is not None and (found[1].type != "choice" or not found[1].required):
        rests_on = [f"{found[0]}/type", f"{found[0]}/required"]
        faults.add("not-a-choice", f"{at}/group", rule.group, rests_on)
    part, whole = measure.column, rule.answers
    if part is not None and part != whole and not any(_within(one, part, whole) for one in checks):
        register = place.partition("/measures/")[0]
        rests_on = [f"{register}/checks", f"{place}/column"]
        faults.add("survey-unchecked", f"{at}/answers", whole, rests_on, part=part, whole=whole)


def _within(check: RowCheck, part: str, whole: str) -> bool:
    """Return whether a check refuses each row with more in `part` than in `whole`."""
    if check.operator in {"<=", "<"}:
        less, more = check.left, check.right
    elif check.operator in {">=", ">"}:
        less, more = check.right, check.left
    else:
        return False
    return (less, more) == (
        (RowTerm(column=part),),
        (RowTerm(column=whole),),
    ) and check.tolerance == 0


def _check_count(
    fault: str, place: str, code: str | None, columns: Columns, faults: Faults
) -> None:
    """Add a fault if a column does not count answers, or the people of a frame."""
    faults.add_unknown(place, code, columns.codes)
    found = columns.find(code)
    if found is None:
        return
    where, column = found
    least = column.minimum if column.minimum is not None else Decimal(-1)
    is_frame = fault == "not-a-frame"
    enough = least > 0 if is_frame else least >= 0 and column.required
    if column.type != "integer" or not enough:
        members = [f"{where}/{one}" for one in ("type", "minimum", "required")]
        faults.add(fault, place, code, members)
