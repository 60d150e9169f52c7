"""Whether the numbers of a row agree with each other, by the plan's checks. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.core.kit.decimals import plain, times, total
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.count_entries import RowCheck, RowOperator, RowSide
from services.core.plan.register_entries import Register

_BROKEN = Text(
    "“{name}”不成立：左边为 {left}，右边为 {right}，应为 {operator}{within}",
    "{name} does not hold: left is {left}, right is {right}, and it asks for {operator}{within}",
)
_ALONE = Text("“{name}”不成立", "{name} does not hold")
_WITHIN = Text("（允许差 {tolerance}）", " (within {tolerance})")
_EXACTLY = Text("", "")


def holds(left: Decimal, right: Decimal, operator: RowOperator, tolerance: Decimal) -> bool:
    """Return whether two sides satisfy an operator; within `tolerance` they count as equal."""
    difference = total([left, times(right, Decimal(-1))])
    if operator == "==":
        return abs(difference) <= tolerance
    if operator in {"<=", ">="}:
        return (difference if operator == "<=" else -difference) <= tolerance
    return (-difference if operator == "<" else difference) > tolerance


def row_check_faults(register: Register, cells: Mapping[str, Any]) -> list[Fault]:
    """Return faults for the checks that a row breaks by itself, each at its first column.

    A check that needs a number which the row lacks is skipped: an empty cell is not 0.
    """
    faults = []
    for check in register.checks:
        if check.is_far:
            continue
        left, right = _side(check.left, cells), _side(check.right, cells)
        if left is None or right is None or holds(left, right, check.operator, check.tolerance):
            continue
        faults.append(broken_fault(check, left, right))
    return faults


def broken_fault(check: RowCheck, left: Decimal | None, right: Decimal | None) -> Fault:
    """Return a broken check as a fault, with the values of both sides; None: withheld."""
    return Fault(_place(check), "check-broken", _told(check, left, right), None)


def _side(side: RowSide, cells: Mapping[str, Any]) -> Decimal | None:
    """Return the sum of a side; None: the row lacks one of its numbers."""
    parts = []
    for term in side:
        said = term.constant if term.column is None else cells.get(term.column)
        if said is None:
            return None
        parts.append(times(Decimal(str(said)), term.times))
    return total(parts)


def _place(check: RowCheck) -> str:
    terms = (*check.left, *check.right)
    named = [one.column for one in terms if one.column is not None and one.summed_in is None]
    return f"/values/{named[0]}" if named else "/values"


def _told(check: RowCheck, left: Decimal | None, right: Decimal | None) -> Text:
    if left is None or right is None:
        return _ALONE.format(name=check.name)
    within = _WITHIN.format(tolerance=plain(check.tolerance)) if check.tolerance else _EXACTLY
    said = {"name": check.name, "left": plain(left), "right": plain(right)}
    parts = {**said, "operator": check.operator}
    return Text(
        _BROKEN.zh.format(**parts, within=within.zh), _BROKEN.en.format(**parts, within=within.en)
    )
