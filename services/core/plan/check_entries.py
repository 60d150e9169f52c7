"""The format of entry checks (审核关系) in a plan: rules, balances and built-in checks.

All of it is data. A side is a sum of figures, each times a constant; nothing is parsed or evaluated
as text. `plan.check_faults` validates these parts against each other; `plan.checks_in_force` says
which check applies to which figure.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line
from services.core.plan.members import Comparison, Entry
from services.core.plan.written import Code

Importance = Literal["block", "warn"]
CheckOperator = Literal["==", "!=", "<=", "<", ">=", ">", "exclusive_pair", "compulsory_pair"]
MissingStrategy = Literal["skip_if_any", "skip_if_all", "never_skip"]
FigurePart = Literal["value", "numerator", "denominator"]
PeriodOfTerm = Literal["this_period", "previous_period", "same_period_last_year"]

PAIRS: frozenset[CheckOperator] = frozenset({"exclusive_pair", "compulsory_pair"})
"""The operators that compare only whether figures are present, not their values."""

MOST_TERMS = 20
MOST_RULES = 500
MOST_BALANCES = 200
MOST_EARLIER = 36
"""The most earlier periods that an outlier check may look back."""


class Advice(Entry):
    """What to do about a check that is broken, in both languages."""

    zh: Line
    en: Line


class CheckTerm(Entry):
    """One summand of a side: a figure of an indicator times a constant, or a constant alone.

    `part` of the figure that is meant; `at` which period, counted from the one that is reported.
    Without `organization` it is the figure of the unit that reports.
    """

    indicator: Code | None = None
    constant: ExactDecimal | None = None
    times: ExactDecimal = Decimal(1)
    part: FigurePart = "value"
    at: PeriodOfTerm = "this_period"
    organization: Code | None = None


Side = Annotated[tuple[CheckTerm, ...], Field(min_length=1, max_length=MOST_TERMS)]


class Demand(Entry):
    """What a broken check does: `block` keeps a figure from being handed in, `warn` goes with it.

    With `needs_justification` a warning asks for a `justification`, without which it blocks too.
    """

    importance: Importance = "block"
    needs_justification: Annotated[bool, Field(strict=True)] = False
    advice: Advice | None = None


class CheckRule(Demand):
    """A rule between figures: left, operator, right.

    `tolerance` is by how much two sides may differ and still count as equal: `<=` allows it, and
    `<` asks for more than it. `missing` says what a figure that is not there makes of the rule.
    """

    code: Code
    name: Line
    name_en: Line | None = None
    left: Side
    operator: CheckOperator
    right: Side
    missing: MissingStrategy = "skip_if_any"
    tolerance: ExactDecimal = Decimal(0)


class Balance(Demand):
    """What was there, came in and went out is what is there: opening + in − out = closing.

    The opening is the closing of the period before. Where an indicator reports it (`opening`), that
    is held against it too.
    """

    code: Code
    name: Line
    name_en: Line | None = None
    opening: Code | None = None
    inflows: Annotated[tuple[Code, ...], Field(max_length=8)] = ()
    outflows: Annotated[tuple[Code, ...], Field(max_length=8)] = ()
    closing: Code
    missing: MissingStrategy = "skip_if_any"
    tolerance: ExactDecimal = Decimal(0)


class ChangeCheck(Demand):
    """By how much a figure may differ from an earlier one: it is unusual beyond every bound given.

    `percent` of the earlier figure, `absolute` in the indicator's unit.
    """

    against: Comparison
    percent: ExactDecimal | None = None
    absolute: ExactDecimal | None = None
    importance: Importance = "warn"


class OutlierCheck(Demand):
    """How far a figure may lie from the earlier ones: a robust z-score above `threshold` is found.

    It is looked for among the figures of the `window` periods before, if there are `least` of them.
    """

    threshold: ExactDecimal = Decimal("3.5")
    window: Annotated[int, Field(ge=4, le=MOST_EARLIER, strict=True)] = 12
    least: Annotated[int, Field(ge=4, le=MOST_EARLIER, strict=True)] = 8
    importance: Importance = "warn"


class EntryChecks(Entry):
    """Which built-in checks are asked of an indicator; none unless stated.

    `part_within_whole`: a numerator is no more than its denominator.
    """

    part_within_whole: Importance | None = None
    changes: Annotated[tuple[ChangeCheck, ...], Field(max_length=2)] = ()
    outlier: OutlierCheck | None = None
