"""How a plan writes its registers (台账): lists that somebody keeps, and what each row says.

A register is data, one engine for all: columns, key, who keeps and who confirms it, and for how
long a row holds. What must hold between these parts is in `plan.register_faults`.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.forms import form
from services.core.kit.said import Line, Prose
from services.core.plan.members import Entry, Frequency
from services.core.plan.written import Code

ColumnType = Literal["text", "decimal", "integer", "date", "choice", "organization", "yes_no"]
ColumnCheck = Literal["credit_code", "project_code"]
RowEnd = Literal["ended", "revoked"]

ROW_ENDS: tuple[RowEnd, ...] = ("ended", "revoked")
"""How a row that was confirmed may cease to count."""

MOST_REGISTERS = 100
MOST_COLUMNS = 60
MOST_KEY_COLUMNS = 4
LONGEST_TEXT = 2000

ColumnCode = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9_]{0,39}$",
        "应为小写字母开头的编码，至多 40 个小写字母、数字和 _，如 named_on",
        "Must begin with a small letter and have at most 40 small letters, digits and _,"
        " such as named_on",
    ),
]


class ColumnChoice(Entry):
    """One of the codes that a column of the type `choice` takes."""

    code: Code
    name: Line


class RegisterColumn(Entry):
    """A column of a register: what a row says there.

    A text has at most `longest` characters. `check` asks for more than the type does: a unified
    social credit code (GB 32100) with its check character, or the 24 characters of a project's
    code.
    """

    code: ColumnCode
    name: Line
    type: ColumnType
    unit: Line | None = None
    required: Annotated[bool, Field(strict=True)] = False
    choices: Annotated[tuple[ColumnChoice, ...], Field(max_length=200)] = ()
    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None
    longest: Annotated[int, Field(ge=1, le=LONGEST_TEXT, strict=True)] = 200
    check: ColumnCheck | None = None
    note: Prose | None = None


class Register(Entry):
    """A register: a list whose rows are kept one by one, each by the unit that it is of.

    Two rows that stand never have the same `key`. Where no `keepers` are named, each unit that
    submits keeps its own rows. With `review` a row counts once somebody else has confirmed it:
    the office, or one of the `leads`. `valid_from` and `valid_to` are columns of the type `date`
    between which, both included, a row holds. `ends` says how a confirmed row may cease to count.
    """

    code: Code
    name: Line
    note: Prose | None = None
    source: Prose | None = None
    columns: Annotated[tuple[RegisterColumn, ...], Field(min_length=1, max_length=MOST_COLUMNS)]
    key: Annotated[tuple[ColumnCode, ...], Field(min_length=1, max_length=MOST_KEY_COLUMNS)]
    keepers: Annotated[tuple[Code, ...], Field(max_length=2000)] = ()
    leads: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    review: Annotated[bool, Field(strict=True)] = True
    valid_from: ColumnCode | None = None
    valid_to: ColumnCode | None = None
    cycle: Frequency | None = None
    ends: Annotated[tuple[RowEnd, ...], Field(max_length=2)] = ROW_ENDS

    def column(self, code: str) -> RegisterColumn | None:
        """Return the column of a code; None: it has none."""
        return next((one for one in self.columns if one.code == code), None)
