"""Validates a condition on rows against the columns of their register. Pure."""

from collections.abc import Sequence

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Faults
from services.core.plan.register_columns import Columns
from services.core.plan.register_entries import ColumnType, RowCondition

_NUMBERS: frozenset[ColumnType] = frozenset({"decimal", "integer"})
_DAYS: frozenset[ColumnType] = frozenset({"date", "month"})
_TEXTS: frozenset[ColumnType] = frozenset({"text", "choice", "organization"})


def check_conditions(
    place: str,
    conditions: Sequence[RowCondition],
    columns: Columns,
    faults: Faults,
    *,
    of_period: bool = False,
) -> None:
    """Add the faults of the conditions at `place`, on rows of these columns.

    `of_period`: the conditions are evaluated for a period.
    """
    for at, condition in enumerate(conditions):
        faults.add_unknown(f"{place}/{at}/column", condition.column, columns.codes)
        if condition.by_period_end is not None and not of_period:
            said = str(condition.by_period_end).lower()
            faults.add("condition-of-no-period", f"{place}/{at}/by_period_end", said, [])
        if columns.find(condition.column) is not None:
            _check_condition(f"{place}/{at}", condition, columns, faults)


def _check_condition(here: str, condition: RowCondition, columns: Columns, faults: Faults) -> None:
    """Add a fault if a condition does not fit the type of its column."""
    where, column = columns.by_code[condition.column]
    typed, named = f"{where}/type", f"{here}/column"
    wrong = "condition-of-another-type"
    if condition.any_of and column.type not in _TEXTS:
        faults.add(wrong, f"{here}/any_of", None, [typed, named], type=column.type)
    choices = {one.code for one in column.choices}
    for number, text in enumerate(condition.any_of):
        if column.type == "choice" and text not in choices:
            rests_on = [typed, named, f"{where}/choices"]
            faults.add("unknown-choice", f"{here}/any_of/{number}", text, rests_on)
    if condition.yes is not None and column.type != "yes_no":
        faults.add(wrong, f"{here}/yes", None, [typed, named], type=column.type)
    if condition.by_period_end is not None and column.type not in _DAYS:
        faults.add(wrong, f"{here}/by_period_end", None, [typed, named], type=column.type)
    for member in ("minimum", "maximum"):
        bound = getattr(condition, member)
        if bound is not None and column.type not in _NUMBERS:
            at = f"{here}/{member}"
            faults.add(wrong, at, plain(bound), [typed, named], type=column.type)
