"""Whether a row agrees with its neighbours, by the checks of its register. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.decimals import times, total
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.count_entries import RowCheck, RowSide, RowTerm
from services.core.plan.register_entries import Register
from services.core.registers.judging import key_of
from services.core.registers.row_checks import broken_fault, holds
from services.core.registers.stored_cells import month_said, number_said

FindingOutcome = Literal["broken", "unknown"]

_MONTHS = 12
_CONFIRM_FIRST = Text(
    "{}；只计已确认的行：请先确认其所依据的行",
    "{}. Only what was confirmed counts: confirm the rows first that it rests upon",
)


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A check that a row breaks, or that cannot be evaluated because something is `missing`.

    Without `left` and `right` it is broken too, but their values are withheld. `missing` are
    columns, each with its month if that is another row's. `of_confirmed`: it is broken against
    confirmed contents, and not against present ones.
    """

    check: RowCheck
    outcome: FindingOutcome
    left: Decimal | None = None
    right: Decimal | None = None
    missing: tuple[str, ...] = ()
    of_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Summed:
    """A sum over another register: its column, in the rows that match `matching`."""

    register: str
    column: str
    matching: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other rows' values: the cells of a month's row, by month; sums, by register and column."""

    by_month: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sums: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)


def months_before(month: str, count: int) -> list[str]:
    """Return the `count` months before one, latest first."""
    year, number = int(month[:4]), int(month[5:])
    places = [year * 12 + number - 1 - back for back in range(1, count + 1)]
    return [f"{place // 12:04}-{place % 12 + 1:02}" for place in places]


def keys_before(register: Register, cells: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of the row of each earlier month that a check reads, by month."""
    reached = {term.at for term in _terms(register)}
    column = register.month_of_key
    month = None if column is None else month_said(cells.get(column))
    if column is None or month is None or not reached - {"row"}:
        return {}
    back = _MONTHS - 1 if "twelve_months" in reached else 1
    return {one: key_of(register, {**cells, column: one}) for one in months_before(month, back)}


def summed(register: Register, cells: Mapping[str, Any]) -> list[Summed]:
    """Return the sums over other registers that the checks of a row need, without duplicates."""
    matching = {code: cells.get(code) for code in register.key}
    wanted = {(one.summed_in, one.column) for one in _terms(register) if one.summed_in is not None}
    return [Summed(in_register, column or "", matching) for in_register, column in sorted(wanted)]


def row_findings(
    register: Register, cells: Mapping[str, Any], near: Neighbours
) -> list[RowFinding]:
    """Return the broken and undecided checks of a row, in the order of the checks."""
    found = []
    for check in register.checks:
        if not check.is_far:
            continue
        missing: list[str] = []
        left = _side(register, check.left, cells, near, missing)
        right = _side(register, check.right, cells, near, missing)
        if missing:
            found.append(RowFinding(check, "unknown", missing=tuple(dict.fromkeys(missing))))
        elif not holds(left, right, check.operator, check.tolerance):
            found.append(RowFinding(check, "broken", left, right))
    return found


def judged_together(
    present: Sequence[RowFinding], confirmed: Sequence[RowFinding]
) -> list[RowFinding]:
    """Merge a row's findings against present contents with those against confirmed contents.

    A draft may be taken back at any time, so no check can rely on it: confirmed contents decide. If
    they leave a check undecided, its result by the drafts is better than none.
    """
    now = {one.check.code: one for one in present}
    broken = {code for code, one in now.items() if one.outcome == "broken"}
    found = []
    for one in confirmed:
        if one.outcome == "unknown":
            found.append(now.get(one.check.code, one))
        else:
            found.append(replace(one, of_confirmed=one.check.code not in broken))
    return found


def keeping_out(findings: Sequence[RowFinding]) -> list[Fault]:
    """Return as faults the findings that block the confirmation of a row."""
    return [
        _told(one, broken_fault(one.check, one.left, one.right))
        for one in findings
        if one.check.importance == "block" and one.outcome == "broken"
    ]


def _told(finding: RowFinding, fault: Fault) -> Fault:
    """Return a fault with advice if confirming other rows would mend it."""
    if not finding.of_confirmed:
        return fault
    return replace(fault, detail=_confirm_first(fault.detail))


def _confirm_first(broken: Text) -> Text:
    return Text(_CONFIRM_FIRST.zh.format(broken.zh), _CONFIRM_FIRST.en.format(broken.en))


def told_to(
    actor: Actor,
    unit: str,
    findings: Sequence[RowFinding],
    registers: Mapping[str, Register],
) -> list[RowFinding]:
    """Return a row's findings for the actor, with sums over rows that it does not see withheld.

    The lead of the row's register need not lead every register that its checks read.
    """
    if actor.reach in {Reach.WHOLE_PLAN, Reach.APPROVED} or actor.organization_code == unit:
        return list(findings)

    def leads(code: str) -> bool:
        found = registers.get(code)
        return found is not None and actor.organization_code in found.leads

    return [
        one
        if all(leads(code) for code in _looked_at(one.check))
        else replace(one, left=None, right=None)
        for one in findings
    ]


def _looked_at(check: RowCheck) -> set[str]:
    """Return the other registers that a check reads."""
    terms = (*check.left, *check.right)
    return {term.summed_in for term in terms if term.summed_in is not None}


def _terms(register: Register) -> Iterator[RowTerm]:
    for check in register.checks:
        yield from (*check.left, *check.right)


def _side(
    register: Register,
    side: RowSide,
    cells: Mapping[str, Any],
    near: Neighbours,
    missing: list[str],
) -> Decimal:
    """Return the sum of a side; absent values are added to `missing`, and do not count as 0."""
    parts = []
    for term in side:
        for place, said in _said(register, term, cells, near):
            number = said if isinstance(said, Decimal) else number_said(said)
            if number is None:
                missing.append(place)
            else:
                parts.append(times(number, term.times))
    return total(parts)


def _said(
    register: Register, term: RowTerm, cells: Mapping[str, Any], near: Neighbours
) -> Iterator[tuple[str, Any]]:
    """Yield the summands of a term, each with its location."""
    column = term.column or ""
    if term.column is None:
        yield "", term.constant
    elif term.summed_in is not None:
        yield f"{term.summed_in}.{column}", near.sums.get((term.summed_in, column))
    else:
        if term.at != "month_before":
            yield column, cells.get(column)
        month = month_said(cells.get(register.month_of_key or ""))
        back = {"row": 0, "month_before": 1, "twelve_months": _MONTHS - 1}[term.at]
        for one in months_before(month, back) if month and back else ():
            yield f"{column}@{one}", near.by_month.get(one, {}).get(column)
