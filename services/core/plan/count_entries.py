"""The format of counts in a plan, of people or things that are not listed individually.

It covers a survey's share with its least number of answers, and the checks on the numbers of a row.
`plan.count_faults` validates these parts against each other.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.forms import form
from services.core.kit.said import Line
from services.core.plan.members import Entry
from services.core.plan.written import Code

Confidence = Literal[90, 95, 99]
RowReach = Literal["row", "month_before", "twelve_months"]
RowImportance = Literal["block", "warn"]
RowOperator = Literal["==", "<=", "<", ">=", ">"]

MOST_ANSWERS = 999_999_999
"""The largest number that a column of a register of totals may allow: shorter than any personal
identity or telephone number."""

MOST_ROW_CHECKS = 30
MOST_ROW_TERMS = 20

ColumnCode = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9_]{0,39}$",
        "应为小写字母开头的编码，至多 40 个小写字母、数字和 _，如 named_on",
        "Must begin with a small letter and have at most 40 small letters, digits and _,"
        " such as named_on",
    ),
]

_Answers = Annotated[int, Field(ge=1, le=MOST_ANSWERS, strict=True)]


class SurveyRule(Entry):
    """How the answers of a survey become a share, and how many of them it takes.

    The column `answers` says how many valid answers there were. They are taken by `group`. Where
    rows state a `frame`, the size of the population that a group was drawn from, groups weigh by
    it. There is no share of fewer answers than `least`, or with a group of fewer than
    `least_in_group`. `confidence` is that of its interval, in per cent.
    """

    answers: ColumnCode
    group: ColumnCode | None = None
    frame: ColumnCode | None = None
    least: _Answers
    least_in_group: _Answers = 1
    confidence: Confidence = 95


class RowTerm(Entry):
    """One summand of a side: what a row says in a column, or a constant, times a number.

    `at` says in which row: in this one, in that of the month before with the same key but for the
    month, or added up over twelve of them that end with this one. With `summed_in` it is added up
    over the rows of another register that say the same in the columns of this register's key.
    """

    column: ColumnCode | None = None
    constant: ExactDecimal | None = None
    times: ExactDecimal = Decimal(1)
    at: RowReach = "row"
    summed_in: Code | None = None

    @property
    def is_far(self) -> bool:
        """Return whether the term looks at other rows."""
        return self.at != "row" or self.summed_in is not None


RowSide = Annotated[tuple[RowTerm, ...], Field(min_length=1, max_length=MOST_ROW_TERMS)]


class RowCheck(Entry):
    """What must hold between the numbers of a row: left, operator, right.

    Two sides that differ by no more than `tolerance` count as equal: `<=` allows it, and `<` asks
    for more than it. A row that lacks one of the numbers is not asked, and no blank is taken for 0.
    What is asked of one row alone keeps it from being written. What looks at other rows keeps it
    from being confirmed, or with the importance `warn` is told.
    """

    code: Code
    name: Line
    left: RowSide
    operator: RowOperator
    right: RowSide
    tolerance: ExactDecimal = Decimal(0)
    importance: RowImportance = "block"

    @property
    def is_far(self) -> bool:
        """Return whether the check looks at other rows."""
        return any(term.is_far for term in (*self.left, *self.right))
