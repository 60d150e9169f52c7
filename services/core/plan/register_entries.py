"""The format of registers (台账) in a plan: lists kept by units, and the measures on them.

A register is data, one engine for all: columns, key, who keeps and who confirms it, and how long a
row is valid. `plan.register_faults` validates these parts against each other.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line, Prose
from services.core.plan.count_entries import MOST_ROW_CHECKS, ColumnCode, RowCheck, SurveyRule
from services.core.plan.evidence_rules import RequiredEvidence
from services.core.plan.members import Entry, Frequency
from services.core.plan.quota_entries import RowQuota
from services.core.plan.written import Code

ColumnType = Literal[
    "text", "decimal", "integer", "date", "choice", "organization", "yes_no", "month"
]
ColumnCheck = Literal["credit_code", "project_code", "waste_code"]
RowEnd = Literal["ended", "revoked"]
EvidencedState = Literal["confirmed", "ended", "revoked"]

ROW_ENDS: tuple[RowEnd, ...] = ("ended", "revoked")
"""How a confirmed row may cease to count."""

MeasureKind = Literal["count", "sum", "ratio", "coverage", "survey"]
MeasureTime = Literal["period_end", "in_period", "until_period_end"]
MeasureOf = Literal["city", "unit"]

MOST_REGISTERS = 100
MOST_MEASURES = 20
MOST_CONDITIONS = 10
MOST_EVIDENCE_RULES = 20
MOST_COLUMNS = 60
MOST_KEY_COLUMNS = 4
LONGEST_TEXT = 2000


class ColumnChoice(Entry):
    """One of the codes that a column of the type `choice` takes."""

    code: Code
    name: Line


class RowCondition(Entry):
    """What a row must say in a column to be measured: all that is stated here.

    `any_of` are the texts or codes of which it says one, `yes` what a `yes_no` says, `filled`
    whether it says anything; a number lies between `minimum` and `maximum`. Of a measure, a day or
    a month is not after the period's last day where `by_period_end` is true; false: it is, or says
    nothing.
    """

    column: ColumnCode
    any_of: Annotated[tuple[Line, ...], Field(max_length=200)] = ()
    yes: Annotated[bool, Field(strict=True)] | None = None
    filled: Annotated[bool, Field(strict=True)] | None = None
    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None
    by_period_end: Annotated[bool, Field(strict=True)] | None = None


Conditions = Annotated[tuple[RowCondition, ...], Field(max_length=MOST_CONDITIONS)]


class RegisterColumn(Entry):
    """A column of a register: what a row says there.

    A text has at most `longest` characters. `check` asks for more than the type does: a unified
    social credit code (GB 32100) with its check character, the 24 characters of a project's code,
    or a hazardous waste code of the national list. A day lies in the month that the column
    `in_month` says. A row that meets `required_where` says something here.
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
    in_month: ColumnCode | None = None
    required_where: Conditions = ()
    note: Prose | None = None


class RowEvidence(RequiredEvidence):
    """Files without which a row that meets `where` does not become what `state` says.

    Each rule counts the files of a row by itself, so that one for a later stage asks for more.
    """

    name: Line
    state: EvidencedState = "confirmed"
    where: Conditions = ()


class RowRenewal(Entry):
    """Rows are renewed, or ended, by the last day that they hold.

    A row that holds longer and says the same in the column `same` takes a row's place; where none
    is named, only the row itself is renewed.
    """

    same: ColumnCode | None = None


class MeasureDenominator(Entry):
    """What stands below the line of a ratio or a coverage.

    Of a ratio: the rows of the same register that meet `where`, counted, or `column` added up. Of
    a coverage: the values of the column `match` in the rows of the register `listed_in`, each once.
    """

    listed_in: Code | None = None
    match: ColumnCode | None = None
    column: ColumnCode | None = None
    where: Conditions = ()


class RegisterMeasure(Entry):
    """A figure over the rows that count: how many, how much, which share.

    `at` says which rows: those that hold on the last day of a period, or those whose `day` lies
    in it, or up to its end. Rows that say the same in `distinct` are counted once, and of a sum the
    one with the latest `day` is added up; a coverage looks for that column's values in the
    denominator's list. Of a survey `column` says how many
    gave the answer. A number is multiplied by `times`, such as 0.0001 from 万元 to 亿元. Where an
    `indicator` is named its value is proposed: that of the city, or with `per` `unit` one of each
    unit that keeps rows.
    """

    code: Code
    name: Line
    kind: MeasureKind
    at: MeasureTime = "period_end"
    day: ColumnCode | None = None
    where: Conditions = ()
    distinct: Annotated[tuple[ColumnCode, ...], Field(max_length=MOST_KEY_COLUMNS)] = ()
    column: ColumnCode | None = None
    times: ExactDecimal = Decimal(1)
    denominator: MeasureDenominator | None = None
    survey: SurveyRule | None = None
    per: MeasureOf = "city"
    indicator: Code | None = None
    note: Prose | None = None


class Register(Entry):
    """A register: a list whose rows are kept one by one, each by the unit that it is of.

    Two rows that stand never have the same `key`. Where no `keepers` are named, each unit that
    submits keeps its own rows. With `review` a row counts once somebody else has confirmed it:
    the office, or one of the `leads`. `valid_from` and `valid_to` are columns of the type `date`
    between which, both included, a row holds. `ends` says how a confirmed row may cease to count.
    With `renewal` whoever keeps a row is told before it holds no more. With `recheck`, a column of
    the type `date`, a row is looked at again once a `cycle`: a cycle after the day that stands
    there, before the first time after it began to hold.
    With `aggregates` its rows are totals, of cases or of people who were asked: it has no column
    that could say who they are.
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
    renewal: RowRenewal | None = None
    recheck: ColumnCode | None = None
    title: ColumnCode | None = None
    ends: Annotated[tuple[RowEnd, ...], Field(max_length=2)] = ROW_ENDS
    evidence: Annotated[tuple[RowEvidence, ...], Field(max_length=MOST_EVIDENCE_RULES)] = ()
    quota: RowQuota | None = None
    aggregates: Annotated[bool, Field(strict=True)] = False
    checks: Annotated[tuple[RowCheck, ...], Field(max_length=MOST_ROW_CHECKS)] = ()
    measures: Annotated[tuple[RegisterMeasure, ...], Field(max_length=MOST_MEASURES)] = ()

    def column(self, code: str) -> RegisterColumn | None:
        """Return the column with this code; None: there is none."""
        return next((one for one in self.columns if one.code == code), None)

    @property
    def month_of_key(self) -> str | None:
        """The code of the key column that holds a row's month; None: there is none."""
        months = (one.code for one in self.columns if one.type == "month")
        return next((code for code in months if code in self.key), None)
