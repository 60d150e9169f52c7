"""The format of a plan document: a city writes it once, and Wufei loads it as printed.

Shapes only. `plan.rules` validates the parts against each other (codes that exist, periods that
fit); `plan.service` turns a document into a version.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Line, Prose
from services.core.plan.check_entries import (
    MOST_BALANCES,
    MOST_RULES,
    Balance,
    CheckRule,
    EntryChecks,
)
from services.core.plan.evidence_rules import EvidenceLimits, RequiredEvidence
from services.core.plan.members import (
    AttainmentRule,
    Comparison,
    ConditionKind,
    Direction,
    DueDays,
    Entry,
    Frequency,
    Selection,
    TargetKind,
    WrittenDeadline,
)
from services.core.plan.observing import ObservationRules, Tolerance
from services.core.plan.periods import PeriodCalendar
from services.core.plan.register_entries import MOST_REGISTERS, Register
from services.core.plan.scheme import Adjustment, Gate, Grade, Lights, Scheme
from services.core.plan.sheet_entries import MOST_SHEETS, ScoreSheet
from services.core.plan.targets import Condition, TargetEntry, UnitTarget
from services.core.plan.written import (
    DEFAULT_YEAR_BEGINS,
    CityCode,
    Code,
    Day,
    Days,
    DivisionCode,
    PlanCode,
    Year,
    YearBegins,
)

__all__ = [
    "Adjustment",
    "Comparison",
    "Condition",
    "ConditionKind",
    "Direction",
    "DueDays",
    "Frequency",
    "Gate",
    "Grade",
    "Lights",
    "Scheme",
    "Selection",
    "TargetEntry",
    "TargetKind",
    "UnitTarget",
]


class City(Entry):
    """The city whose plan it is; `code` is its administrative division code (GB/T 2260)."""

    code: CityCode
    name: Line
    superior: Line | None = None


class Span(Entry):
    """The dates between which the plan runs, both included."""

    start: Day
    end: Day


class Group(Entry):
    """A heading that indicators are scored under. `weight` default: the sum of its indicators'."""

    code: Code
    name: Line
    weight: ExactDecimal | None = None
    note: Prose | None = None


class OrganizationEntry(Entry):
    """A unit, a township-level body, or a collective name with its `members`.

    `submits` is false for collective names, placeholders and bodies that report nothing.
    """

    code: Code
    name: Line
    kind: Line
    aliases: tuple[Line, ...] = ()
    members: tuple[Code, ...] = ()
    submits: bool = True
    administrative_code: DivisionCode | None = None
    role: Line | None = None
    note: Prose | None = None


class Baseline(Entry):
    """Where the indicator stood. `text` as printed; `value` absent where nothing was printed."""

    year: Year
    value: ExactDecimal | None = None
    text: Line


class Level(Entry):
    """A level of a qualitative indicator; `points` 0–100; the first level listed is the top."""

    code: Code
    name: Line
    points: ExactDecimal


class Quantity(Entry):
    """A named amount of a formula with its unit."""

    name: Line
    unit: Line


class Formula(Entry):
    """How the value comes about, with the source of the rule and how sure we are of it.

    `sign_convention` is stated where a sign could be read both ways: what a positive value means.
    """

    kind: Line
    expression: Prose | None = None
    numerator: Quantity | None = None
    denominator: Quantity | None = None
    multiplier: ExactDecimal | None = None
    base_year: Year | None = None
    sign_convention: Literal["decline_positive", "growth_positive"] | None = None
    source: Line
    source_reference: Prose | None = None
    confidence: Line
    note: Prose | None = None


class Aggregation(Entry):
    """How reported values become the city's.

    `units`: direct (the first owner's value is the city's), or an operator over the units.
    `periods`: the operator over finer periods when the wider one has no value of its own.
    """

    units: Literal["direct", "sum", "mean", "ratio_of_sums"] = "direct"
    periods: Literal["last", "sum", "mean", "ratio_of_sums"] = "last"


class Plausible(Entry):
    """Between which values, both included, a figure is believed; without a bound, any is.

    `outside`: refuse a figure outside, or take it with a warning that asks for a reason.
    """

    minimum: ExactDecimal | None = None
    maximum: ExactDecimal | None = None
    outside: Literal["refuse", "warn"] = "refuse"


class PlausibleOfUnit(Plausible):
    """The range of the indicators in a unit of measure that state none of their own."""

    unit: Line


class NationalCounterpart(Entry):
    """The indicator of the national list that this one stands for, and where we know it from."""

    edition: Line
    name: Line
    mandatory: bool | None = None
    source: Line


class Indicator(Entry):
    """One row of the plan's indicator table.

    `aliases` are other words of the plan for the same quantity; `notes` say what a reader should
    know and nobody has to decide. `comparison`: what a trend is measured by, the same period of
    last year (同比) or the period before (环比). `part_of`: the indicator that it details; it
    weighs nothing then unless a weight is stated. `level_with_value`: a value in `unit` is
    reported beside the level, which alone is judged. `attainment` default: the scheme's.
    `entry_checks` stand in place of all of the plan's.

    `evidence`: the files without which no value of it is handed in.
    """

    code: Code
    row: Annotated[int, Field(ge=1, strict=True)] | None = None
    name: Line
    printed_name: Line
    aliases: tuple[Line, ...] = ()
    group: Code
    level1: Line
    level2: Line | None = None
    part_of: Code | None = None
    selection: Selection
    adjusted: bool = False
    unit: Line
    baseline: Baseline | None = None
    targets: Annotated[tuple[TargetEntry, ...], Field(min_length=1)]
    unit_targets: Annotated[tuple[UnitTarget, ...], Field(max_length=5000)] = ()
    levels: tuple[Level, ...] = ()
    level_with_value: bool = False
    direction: Direction
    measure_type: Line | None = None
    time_semantics: Line | None = None
    frequency: Frequency = "annual"
    frequency_source: Prose | None = None
    aggregation: Aggregation = Aggregation()
    comparison: Comparison = "same_period_last_year"
    multiplier: ExactDecimal | None = None
    plausible: Plausible | None = None
    entry_checks: EntryChecks | None = None
    tolerance: Tolerance | None = None
    weight: ExactDecimal | None = None
    attainment: AttainmentRule | None = None
    owners: tuple[Code, ...] = ()
    owner_text: Line
    acting_owner: Code | None = None
    scope: Prose | None = None
    formula: Formula | None = None
    linked_measures: tuple[Code, ...] = ()
    quality_flags: tuple[Code, ...] = ()
    national: NationalCounterpart | None = None
    notes: tuple[Prose, ...] = ()
    evidence: RequiredEvidence | None = None
    public: bool = False


class MeasureTarget(Entry):
    """A number or promise inside a measure's sentence, quoted."""

    quote: Prose
    kind: Line
    indicator: Code | None = None
    related_indicator: Code | None = None
    value: ExactDecimal | None = None
    unit: Line | None = None
    year: Year | None = None
    base_year: Year | None = None
    assigned_by: Line | None = None
    note: Prose | None = None


class Measure(Entry):
    """A clause with its own lead and responsible units: the unit of accountability.

    Where the plan prints no lead, those who are responsible answer for it. `deadline`: the year
    by whose end it is due, or a day.

    `evidence`: the files without which no milestone of it is completed.
    """

    code: Code
    text: Prose
    lead_units: tuple[Code, ...] = ()
    lead_text: Line | None = None
    responsible_units: tuple[Code, ...] = ()
    responsible_text: Line | None = None
    deadline: WrittenDeadline | None = None
    targets: tuple[MeasureTarget, ...] = ()
    related_indicators: tuple[Code, ...] = ()
    evidence: RequiredEvidence | None = None


class Task(Entry):
    """A numbered task of the plan with its measures; numbers may begin anew in each section."""

    number: Annotated[int, Field(ge=1, strict=True)]
    section: Line
    section_number: Line | None = None
    title: Line
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]


class OpenQuestion(Entry):
    """A place where the plan contradicts itself or leaves something open (待核实).

    `subjects` are references such as `indicator:R07`, `measure:4.2`, `task:3`,
    `organization:UN27`, `group:X` or `plan`. Until it is settled, `effect` holds back what it
    makes unsafe: `no_pace` (no pace from this baseline) or `no_verdict` (no verdict at all).
    `needs_decision` is false for a plain note.
    """

    id: Code
    subjects: Annotated[tuple[Line, ...], Field(min_length=1)]
    text: Prose
    text_en: Prose | None = None
    needs_decision: bool = True
    effect: Literal["none", "no_pace", "no_verdict"] = "none"


class PublicityDay(Entry):
    """A day of each year for which publicity is planned, such as 06-05."""

    month: Annotated[int, Field(ge=1, le=12, strict=True)]
    day: Annotated[int, Field(ge=1, le=31, strict=True)]
    name: Line


class Supervision(Entry):
    """How deadlines are watched: by which calendar, and how many working days people have.

    `sign_days` to accept or decline what was assigned, `review_days` to review what was handed
    in, `decision_days` to decide on an extension, `answer_days` to answer a return; at most
    `extension_limit` extensions are granted for one thing. `office` is the organization that is
    the leading group's office. What a device made before its due date and sends at most
    `offline_grace_days` calendar days after it counts from when it says that it was made.
    """

    calendar: Code = "CN"
    sign_days: Days = 3
    review_days: Days = 5
    decision_days: Days = 5
    answer_days: Days = 5
    extension_limit: Annotated[int, Field(ge=0, le=100, strict=True)] = 2
    publicity_days: Annotated[tuple[PublicityDay, ...], Field(max_length=100)] = ()
    office: Code | None = None
    offline_grace_days: Annotated[int, Field(ge=0, le=31, strict=True)] = 0


class PlanDocument(Entry):
    """A whole plan. `code` begins with the city's code, e.g. `410183-2025`.

    `fiscal_year_begins` is the day (month and day) on which its years begin; of whole years,
    halves and quarters every code means that year, and no other is reckoned with.
    """

    format: Literal["wufei-plan/1"]
    code: PlanCode
    title: Line
    city: City
    status: Literal["draft", "issued"]
    status_text: Line
    source: Prose | None = None
    notes: tuple[Prose, ...] = ()
    time_zone: Line = "Asia/Shanghai"
    fiscal_year_begins: YearBegins = DEFAULT_YEAR_BEGINS
    span: Span
    due_days: DueDays
    plausible: Annotated[tuple[PlausibleOfUnit, ...], Field(max_length=100)] = ()
    entry_checks: EntryChecks = EntryChecks()
    check_rules: Annotated[tuple[CheckRule, ...], Field(max_length=MOST_RULES)] = ()
    balances: Annotated[tuple[Balance, ...], Field(max_length=MOST_BALANCES)] = ()
    supervision: Supervision = Supervision()
    evidence: EvidenceLimits = EvidenceLimits()
    observations: ObservationRules = ObservationRules()
    registers: Annotated[tuple[Register, ...], Field(max_length=MOST_REGISTERS)] = ()
    score_sheets: Annotated[tuple[ScoreSheet, ...], Field(max_length=MOST_SHEETS)] = ()
    scheme: Scheme
    groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=100)]
    organizations: Annotated[tuple[OrganizationEntry, ...], Field(min_length=1, max_length=2000)]
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=1000)]
    tasks: Annotated[tuple[Task, ...], Field(max_length=500)] = ()
    open_questions: Annotated[tuple[OpenQuestion, ...], Field(max_length=1000)] = ()

    @property
    def period_calendar(self) -> PeriodCalendar:
        """The calendar that maps the codes of the plan's periods to days."""
        return PeriodCalendar(int(self.fiscal_year_begins.partition("-")[0]))

    @property
    def last_target_year(self) -> int:
        """The year of the plan's last target: the default if no period is given."""
        calendar = self.period_calendar
        return max(each.at_year(calendar) for one in self.indicators for each in one.targets)


def default_weight(document: PlanDocument, indicator: Indicator) -> Decimal:
    """Return the default weight of an indicator: its selection's, or 0 for a part of another."""
    if indicator.part_of is not None:
        return Decimal(0)
    weight: Decimal = getattr(document.scheme.weights, indicator.selection)
    return weight


def task_key(task: Task) -> str:
    """Return the unique key of a task: its section and its number, such as `二/3`."""
    return f"{task.section_number or task.section}/{task.number}"
