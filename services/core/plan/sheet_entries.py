"""The format of score sheets (评估细则) in a plan: items with full points and scoring methods.

A sheet is data, one engine for all. `plan.sheet_faults` validates its parts against each other;
`assessments.points` computes points.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line, Prose
from services.core.plan.count_entries import ColumnCode
from services.core.plan.members import Entry, Frequency
from services.core.plan.written import Code, Days

AssessedKind = Literal["unit", "village", "row"]
ItemKind = Literal[
    "missing",
    "occurrences",
    "sampled",
    "quota",
    "zero_if",
    "bands",
    "linear",
    "bonus",
    "repeat",
]
ItemCheck = Literal["documents", "on_site", "questionnaire"]
NotApplicableItems = Literal["rescaled", "full_points"]

MOST_SHEETS = 50
MOST_ITEMS = 200
MOST_ELEMENTS = 50
MOST_BANDS = 20
MOST_ROUTES = 5
MOST_COLOURS = 10

ItemCount = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class ScoredElement(Entry):
    """What an item looks for by name: an element that has to be there, or a fault; its points."""

    code: Code
    name: Line
    points: ExactDecimal


class ZeroCause(Entry):
    """A circumstance in which a whole item gives nothing."""

    code: Code
    name: Line


class ScoreBand(Entry):
    """The points of a figure of `least` or more, or of `most` or less: the bound is included."""

    least: ExactDecimal | None = None
    most: ExactDecimal | None = None
    points: ExactDecimal


class ScoreRoute(Entry):
    """One figure by which an item may be scored; the best band comes first."""

    code: Code
    name: Line
    unit: Line | None = None
    bands: Annotated[tuple[ScoreBand, ...], Field(min_length=1, max_length=MOST_BANDS)]


class ScoreLine(Entry):
    """Two points of a straight line: where a figure gives full points, and where it gives none."""

    full_at: ExactDecimal
    zero_at: ExactDecimal


class SheetItem(Entry):
    """An item of a score sheet: its full points, how it is checked, and how it is scored.

    Points lie between `lowest` and `full`, both included: whatever is deducted ends there
    (扣完为止). A bonus adds to the total beyond the full points of the others.

    - `missing`: `full` less the points of each of the `elements` that is not there
    - `occurrences`: `full` less `points` for each occurrence
    - `sampled`: `full` less `points` for each fault found in `sample_size` units
    - `quota`: `full` less `points` for each case beyond `quota`, `key_points` for each key one
    - `zero_if`: 0 where the figure is below `least` or above `most`, else `full`
    - `bands`: of each figure of the `routes` the points of its first band reached; the best
    - `linear`: along `line`, or where the change is below 0 along `shrinking`, if there is one
    - `bonus`: `points` for each piece, up to `full`
    - `repeat`: `full` less the points of each fault of `elements`, and `more` each time again
    """

    code: Code
    name: Line
    section: Line | None = None
    kind: ItemKind
    full: ExactDecimal
    lowest: ExactDecimal = Decimal(0)
    way: ItemCheck = "documents"
    evidence: Annotated[tuple[Line, ...], Field(max_length=20)] = ()
    elements: Annotated[tuple[ScoredElement, ...], Field(max_length=MOST_ELEMENTS)] = ()
    points: ExactDecimal | None = None
    sample_size: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    quota: ItemCount | None = None
    key_points: ExactDecimal | None = None
    least: ExactDecimal | None = None
    most: ExactDecimal | None = None
    routes: Annotated[tuple[ScoreRoute, ...], Field(max_length=MOST_ROUTES)] = ()
    line: ScoreLine | None = None
    shrinking: ScoreLine | None = None
    more: ExactDecimal | None = None
    zero_causes: Annotated[tuple[ZeroCause, ...], Field(max_length=MOST_ELEMENTS)] = ()
    note: Prose | None = None

    @property
    def is_bonus(self) -> bool:
        """Whether the item adds to the total beyond the full points of the others."""
        return self.kind == "bonus"


class SheetColour(Entry):
    """A colour that a total of `minimum` points or more has, the bound included."""

    code: Code
    name: Line
    minimum: ExactDecimal


class ScoreSheet(Entry):
    """A score sheet: what is assessed, once a period of `cycle`, item by item.

    Assessed are `unit`s of the plan, `village`s that a unit answers for, or each `row` of the
    register `rows_of`. `assessors` assess and confirm beside the office; nobody confirms their own.
    Rows are compared with those that say the same in `compared_by`, units with those of their kind.
    Items that do not apply are left out and the rest is scaled up to the full points (`rescaled`),
    or give theirs (`full_points`). The total is at most `at_most`. An appeal is filed within
    `appeal_days` calendar days after publication; 0: there is none.
    """

    code: Code
    name: Line
    note: Prose | None = None
    source: Prose | None = None
    subject: AssessedKind
    rows_of: Code | None = None
    name_column: ColumnCode | None = None
    compared_by: ColumnCode | None = None
    cycle: Frequency
    assessors: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    units: Annotated[tuple[Code, ...], Field(max_length=2000)] = ()
    items: Annotated[tuple[SheetItem, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    colours: Annotated[tuple[SheetColour, ...], Field(max_length=MOST_COLOURS)] = ()
    not_applicable: NotApplicableItems = "rescaled"
    at_most: ExactDecimal | None = None
    appeal_days: Days = 0
