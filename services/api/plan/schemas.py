"""Pydantic schemas of plans: the printed words beside their parsed values."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, WithJsonSchema

from services.api.contract.choices import one_of
from services.api.contract.plan_document import REFERENCE
from services.api.plan.evidence_schemas import RequiredFilesOut
from services.core.kit.decimals import ExactDecimal
from services.core.kit.said import Said, Words
from services.core.plan.document import (
    Comparison,
    ConditionKind,
    Direction,
    Frequency,
    Selection,
    TargetKind,
)
from services.core.plan.members import AttainmentRule
from services.core.plan.written import Day

_Kind = Annotated[str, one_of(get_args(TargetKind))]
_PlanStatus = Annotated[str, one_of(["draft", "issued"])]
_UnitsOperator = Annotated[str, one_of(["direct", "sum", "mean", "ratio_of_sums"])]
_PeriodsOperator = Annotated[str, one_of(["last", "sum", "mean", "ratio_of_sums"])]
_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"
_AS_PRINTED = "As printed"


class PlanOut(BaseModel):
    """A plan: its document's head, its version, its status."""

    code: str = Field(description="The city's code and a name, such as `410183-2025`")
    city_code: str = Field(description="Administrative division code (GB/T 2260)")
    city: str = Field(description="The city's name")
    title: str = Field(description=_AS_PRINTED)
    version: int = Field(description="1 for the first document loaded; each change adds one")
    status: _PlanStatus = Field(description="`draft` (征求意见稿) or `issued`")
    status_text: str = Field(description="The status in the document's words")
    start: date = Field(description="First day of the plan")
    end: date = Field(description="Last day of the plan")
    time_zone: str = Field(description="Where its days begin, such as `Asia/Shanghai`")
    fiscal_year_begins: str = Field(
        description="Month and day on which its years begin, such as `01-01`: which days the codes"
        " of its periods mean"
    )
    indicators: int = Field(description="How many indicators it has")
    tasks: int = Field(description="How many tasks it has")
    measures: int = Field(description="How many measures its tasks have together")
    organizations: int = Field(description="How many organizations it names")
    open_questions: int = Field(description="Those that need a decision and have none yet")
    notes: list[str] = Field(description="What a reader of the plan should know")


class PlanCalendarOut(BaseModel):
    """The calendar of working days that a plan's deadlines are reckoned by."""

    code: str = Field(description="Its code, such as `CN`")
    announced_until: int | None = Field(
        description="The last year that was announced; later ones are provisional. Null: none was"
    )
    awaits_notice: bool = Field(
        description="It is November or December and next year was not announced yet: load the"
        " notice with `PUT /v1/calendars/{code}`"
    )


class PlanDetailOut(PlanOut):
    """A plan with its whole document, as loaded, and its open questions."""

    questions: list["QuestionOut"] = Field(description="Every open question (待核实)")
    periods: list["PeriodOut"] = Field(description="The periods that were ever opened")
    calendar: PlanCalendarOut = Field(description="Its calendar of working days")
    document: Annotated[dict[str, Any], WithJsonSchema({"allOf": [{"$ref": REFERENCE}]})] = Field(
        description="The document, as it can be loaded again"
    )


class PlanListOut(BaseModel):
    """The plans in the caller's scope."""

    items: list[PlanOut] = Field(description="Ordered by city and code")
    next_page_token: str | None = Field(description="Always null: the list is whole")


class LoadedOut(BaseModel):
    """What loading a document did."""

    outcome: Literal["created", "new_version", "unchanged"] = Field(
        description="`unchanged`: the document is the one that is in force"
    )
    code: str = Field(description="Code of the plan")
    version: int = Field(description="The version in force now")
    city_code: str = Field(description="Code of its city")


class UnitOut(BaseModel):
    """A unit by code and name; `acting` marks one that stands in until a question is settled."""

    code: str = Field(description="Code of the organization, such as `UN15`")
    name: str = Field(description="Its name")
    acting: bool = Field(description="It stands in: the plan leaves open who is in charge")


class BaselineOut(BaseModel):
    """Where an indicator stood; `text` as printed."""

    year: int = Field(description="The year it was measured for")
    value: ExactDecimal | None = Field(description="Null where nothing was printed")
    text: str = Field(description=_AS_PRINTED)


class ConditionOut(BaseModel):
    """One of the things that a target of the kinds `all_of` and `any_of` asks for."""

    kind: Annotated[str, one_of(get_args(ConditionKind))] = Field(description="What sort it is")
    value: ExactDecimal | None = Field(description="Null where the kind sets no number")
    upper: ExactDecimal | None = Field(description="The other end of `between`")


class AssignedOut(BaseModel):
    """A target assigned by the superior, with the document that says so."""

    year: int = Field(description="By the end of which it is to be reached")
    kind: _Kind = Field(description="What sort of target it is")
    value: ExactDecimal | None = Field(description="Null where the kind sets no number")
    upper: ExactDecimal | None = Field(description="The other end of `between`")
    conditions: list[ConditionOut] = Field(description="What `all_of` and `any_of` ask for")
    text: str | None = Field(description="In the superior's words")
    document_number: str = Field(description="Number of the document that assigns it")
    document_date: date = Field(description="Date of that document")
    attachment: str | None = Field(description="Where the document can be read")
    assigned_at: datetime = Field(description="When it was recorded")
    sequence: int = Field(description="1 for the first; the highest counts")


class _DatedOut(BaseModel):
    year: int = Field(description="By the end of which it is to be reached")
    kind: _Kind = Field(description="What sort of target it is")
    value: ExactDecimal | None = Field(description="Null where the kind sets no number")
    upper: ExactDecimal | None = Field(description="The other end of `between`")
    conditions: list[ConditionOut] = Field(description="What `all_of` and `any_of` ask for")
    target_date: date = Field(description="The last day on which it may be reached")
    text: str = Field(description=_AS_PRINTED)


class UnitTargetOut(_DatedOut):
    """What one of the units that report an indicator is to reach for itself."""

    organization: UnitOut = Field(description="The unit, such as a township")


class TargetOut(_DatedOut):
    """What is to be reached; `text` as printed, `assigned` where the superior has spoken."""

    assigned_by: str | None = Field(description="Who assigns it, where the plan leaves it open")
    assigned: AssignedOut | None = Field(description="What was assigned last")


class SettlementOut(BaseModel):
    """The decision on an open question."""

    decision: str = Field(description="What was decided")
    document_number: str = Field(description="Number of the document that decides it")
    document_date: date = Field(description="Date of that document")
    settled_at: datetime = Field(description="When it was recorded")


class QuestionOut(BaseModel):
    """Where the plan contradicts itself or leaves something open (待核实), and the decision."""

    id: str = Field(description="Its id within the plan, such as `T01`")
    subjects: list[str] = Field(description="What it concerns, such as `indicator:R07`")
    text: str = Field(description="The question, in Chinese")
    text_en: str | None = Field(description="The question, in English")
    needs_decision: bool = Field(description="False for a plain note")
    effect: Annotated[str, one_of(["none", "no_pace", "no_verdict"])] = Field(
        description="What it holds back until it is settled"
    )
    settlement: SettlementOut | None = Field(description="The decision; null: it is open")


class LevelOut(BaseModel):
    """A level of a qualitative indicator."""

    code: str = Field(description="What is reported as `level`")
    name: str = Field(description="Its name")
    points: ExactDecimal = Field(description="0–100")


class AggregationOut(BaseModel):
    """How units and periods combine."""

    units: _UnitsOperator = Field(
        description="`direct`: the first owner's value is the city's; otherwise over all units"
    )
    periods: _PeriodsOperator = Field(
        description="Over finer periods, where the wider one has no value of its own"
    )


class QuantityOut(BaseModel):
    """A named amount of a formula with its unit."""

    name: str = Field(description="Its name")
    unit: str = Field(description="Its unit, such as `万吨`")


class FormulaOut(BaseModel):
    """How the value comes about, where the rule was found, and how sure we are of it."""

    kind: str = Field(description="Such as `ratio` or `amount`")
    expression: str | None = Field(description="In words and signs")
    numerator: QuantityOut | None = Field(description="What is divided")
    denominator: QuantityOut | None = Field(description="What it is divided by")
    multiplier: ExactDecimal | None = Field(description="100 for a percentage")
    base_year: int | None = Field(description="The year that a change is counted from")
    sign_convention: Annotated[
        str | None, one_of(["decline_positive", "growth_positive"], nullable=True)
    ] = Field(description="What a positive value means, where it could be read both ways")
    source: str = Field(description="Where the rule was found")
    source_reference: str | None = Field(description="The place in that source")
    confidence: str = Field(description="How sure we are, such as `high`")
    note: str | None = Field(description="What else should be known")


class IndicatorOut(BaseModel):
    """An indicator of the plan."""

    code: str = Field(description="Its code within the plan, such as `U08`")
    row: int | None = Field(description="Its row in the printed table")
    name: str = Field(description="Its name, without marks")
    printed_name: str = Field(description="Its name as printed, with ★ and *")
    group: str = Field(description="Code of the group that it is scored under")
    level1: str = Field(description="First-level heading")
    level2: str | None = Field(description="Second-level heading; null where none is printed")
    part_of: str | None = Field(description="Code of the indicator that it details")
    selection: Annotated[str, one_of(get_args(Selection))] = Field(
        description="★ mandatory (必选), optional (可选) or self-selected (自选)"
    )
    adjusted: bool = Field(description="* the city adapted the national indicator")
    unit: str = Field(description="Unit of its values, such as `%`")
    baseline: BaselineOut | None = Field(description="Where it stood")
    target: TargetOut = Field(description="The last of its targets")
    targets: list[TargetOut] = Field(description="All of its targets, by year")
    unit_targets: list[UnitTargetOut] = Field(description="What single units are to reach")
    direction: Annotated[str, one_of(get_args(Direction))] = Field(
        description="Which way is better"
    )
    comparison: Annotated[str, one_of(get_args(Comparison))] = Field(
        description="What a trend is measured by"
    )
    attainment: Annotated[str, one_of(get_args(AttainmentRule))] = Field(
        description="`graded` by the scheme's rule, or `all_or_nothing`"
    )
    level_with_value: bool = Field(
        description="A value in `unit` is reported beside the level, which alone is judged"
    )
    aggregation: AggregationOut = Field(description="How reported values become the city's")
    frequency: Annotated[str, one_of(get_args(Frequency))] = Field(
        description="How often it is reported"
    )
    owners: list[UnitOut] = Field(description="The units in charge, the first one leading")
    owner_text: str = Field(description="The units in charge, as printed")
    levels: list[LevelOut] = Field(description="Of a qualitative one, the top level first")
    formula: FormulaOut | None = Field(description="How its value comes about")
    scope: str | None = Field(description="What it is measured over, such as the urban area")
    weight: ExactDecimal | None = Field(description="Null: the scheme's weight of its selection")
    linked_measures: list[str] = Field(description="Codes of the measures that serve it")
    evidence: RequiredFilesOut | None = Field(
        description="Files without which no value of it is handed in; null: none is asked for"
    )
    quality_flags: list[str] = Field(description="Doubts about its data")
    open_questions: list[QuestionOut] = Field(description="The questions on it, settled or not")


class IndicatorListOut(BaseModel):
    """The indicators in the document's order."""

    items: list[IndicatorOut] = Field(description="Every indicator, in the document's order")
    next_page_token: str | None = Field(description="Always null: the list is whole")
    plan_status: _PlanStatus = Field(description="`draft` (征求意见稿) or `issued`")


class MeasureTargetOut(BaseModel):
    """A number or promise inside a measure's sentence, quoted."""

    quote: str = Field(description=_AS_PRINTED)
    kind: str = Field(description="What sort of promise it is, such as `at_least`")
    indicator: str | None = Field(description="Code of the indicator that it repeats")
    related_indicator: str | None = Field(description="Code of an indicator close to it")
    value: ExactDecimal | None = Field(description="Its number, if there is one")
    unit: str | None = Field(description="The number's unit")
    year: int | None = Field(description="By the end of which it is promised")
    base_year: int | None = Field(description="The year that a change is counted from")
    note: str | None = Field(description="What else should be known")


class MeasureOut(BaseModel):
    """A clause with its own lead and responsible units."""

    code: str = Field(description="Such as `14.1`: the task's number and its own")
    text: str = Field(description=_AS_PRINTED)
    lead_units: list[UnitOut] = Field(description="The leading units (牵头单位)")
    lead_text: str | None = Field(
        description="The leading units, as printed; null where none is: then the responsible lead"
    )
    responsible_units: list[UnitOut] = Field(description="The responsible units (责任单位)")
    responsible_text: str | None = Field(description="The responsible units, as printed")
    deadline: int | None = Field(description="The year by whose end it is due")
    deadline_date: date | None = Field(description="The day by which it is due, if one is printed")
    targets: list[MeasureTargetOut] = Field(description="What its sentence promises")
    related_indicators: list[str] = Field(description="Codes of the indicators that it serves")
    evidence: RequiredFilesOut | None = Field(
        description="Files without which no milestone of it is completed; null: none is asked for"
    )
    open_questions: list[QuestionOut] = Field(description="The questions on it, settled or not")


class TaskOut(BaseModel):
    """A task with its measures."""

    number: int = Field(description="Its number in the plan")
    section: str = Field(description="The heading that it stands under")
    section_number: str | None = Field(description="Number of that heading, such as `一`")
    title: str = Field(description=_AS_PRINTED)
    measures: list[MeasureOut] = Field(description="Its clauses")


class TaskListOut(BaseModel):
    """The tasks in the document's order."""

    items: list[TaskOut] = Field(description="Every task, in the document's order")
    next_page_token: str | None = Field(description="Always null: the list is whole")


class PeriodOut(BaseModel):
    """A period of a plan. One that was never opened is planned, and not listed."""

    plan: str = Field(description="Code of the plan")
    period: str = Field(description=_PERIOD)
    state: Annotated[str, one_of(["planned", "open", "closed", "published"])] = Field(
        description="`open` takes values, `closed` ends reviews, `published` is frozen; `planned`"
        " once its opening was taken back"
    )
    first_day: date = Field(description="Its first day, by the plan's years")
    last_day: date = Field(description="Its last day")
    due_date: date = Field(description="The last day on which its values are in time")
    opened_at: datetime = Field(description="When the units were first asked for values")
    closed_at: datetime | None = Field(description="When it was closed; null while it is open")
    published_at: datetime | None = Field(description="When it was last published")
    publication_number: int | None = Field(
        description="The number that it is published under; null while it is not"
    )
    allowed_actions: list[
        Annotated[str, one_of(["open", "close", "publish", "reopen", "cancel"])]
    ] = Field(description="What its state allows; `cancel` takes back what nobody answered")


class PeriodReopenIn(Said):
    """Why, and more time with the reopening, if any is given."""

    due_date: Day | None = Field(
        default=None,
        description="Until when what is not handed in is due now: not before the period has ended,"
        " today, or the date in force; without it the due date stays",
    )
    reason: Words | None = Field(
        default=None,
        description="Why; required where the period was published, and shown with its publication",
    )


class PeriodListOut(BaseModel):
    """The periods that were ever opened."""

    items: list[PeriodOut] = Field(description="By code")
    next_page_token: str | None = Field(description="Always null: the list is whole")
