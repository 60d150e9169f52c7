"""What plans look like on the wire: the printed words beside what they were read as."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.core.kit.decimals import ExactDecimal
from services.core.plan.document import Formula, TargetKind

_Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class PlanOut(BaseModel):
    """A plan: its document's head, its version, its status."""

    code: str
    city_code: str
    city: str
    title: str
    version: int
    status: str = Field(description="`draft` (征求意见稿) or `issued`")
    status_text: str
    start: date
    end: date
    time_zone: str
    indicators: int
    tasks: int
    measures: int
    organizations: int
    open_questions: int = Field(description="Those that are not settled yet")
    notes: list[str]


class PlanDetailOut(PlanOut):
    """A plan with its whole document, as loaded, and its open questions."""

    questions: list["QuestionOut"]
    periods: list["PeriodOut"]
    document: dict[str, Any] = Field(description="The document, in the format of `plans/*.yaml`")


class PlanListOut(BaseModel):
    """The plans in the caller's scope."""

    items: list[PlanOut]
    next_page_token: str | None


class LoadedOut(BaseModel):
    """What loading a document did."""

    outcome: Literal["created", "new_version", "unchanged"]
    code: str
    version: int
    city_code: str


class UnitOut(BaseModel):
    """A unit by code and name; `acting` marks one that stands in until a question is settled."""

    code: str
    name: str
    acting: bool


class BaselineOut(BaseModel):
    """Where an indicator stood; `text` as printed."""

    year: int
    value: ExactDecimal | None
    text: str


class AssignedOut(BaseModel):
    """A target assigned by the superior, with the document that says so."""

    year: int
    kind: str
    value: ExactDecimal | None
    text: str | None
    document_number: str
    document_date: date
    attachment: str | None
    assigned_at: datetime
    sequence: int = Field(description="1 for the first; the highest counts")


class TargetOut(BaseModel):
    """What is to be reached; `text` as printed, `assigned` where the superior has spoken."""

    year: int
    kind: str
    value: ExactDecimal | None
    text: str
    assigned_by: str | None
    assigned: AssignedOut | None


class SettlementOut(BaseModel):
    """The decision on an open question."""

    decision: str
    document_number: str
    document_date: date
    settled_at: datetime


class QuestionOut(BaseModel):
    """Where the plan contradicts itself (待核实), and what was decided."""

    id: str
    subjects: list[str]
    text: str
    text_en: str | None
    needs_decision: bool
    effect: str = Field(description="`none`, `no_pace` or `no_verdict`, until it is settled")
    settlement: SettlementOut | None


class LevelOut(BaseModel):
    """A level of a qualitative indicator."""

    code: str
    name: str
    points: ExactDecimal


class AggregationOut(BaseModel):
    """How units and periods combine."""

    units: str
    periods: str


class IndicatorOut(BaseModel):
    """An indicator of the plan."""

    code: str
    row: int | None
    name: str
    printed_name: str
    group: str
    level1: str
    level2: str
    selection: str
    adjusted: bool
    unit: str
    baseline: BaselineOut | None
    target: TargetOut
    targets: list[TargetOut]
    direction: str
    aggregation: AggregationOut
    frequency: str
    owners: list[UnitOut]
    owner_text: str
    levels: list[LevelOut]
    formula: Formula | None
    scope: str | None
    weight: ExactDecimal | None
    linked_measures: list[str]
    quality_flags: list[str]
    open_questions: list[QuestionOut]


class IndicatorListOut(BaseModel):
    """The indicators in the document's order."""

    items: list[IndicatorOut]
    next_page_token: str | None
    plan_status: str


class MeasureTargetOut(BaseModel):
    """A number or promise inside a measure's sentence, quoted."""

    quote: str
    kind: str
    indicator: str | None
    related_indicator: str | None
    value: ExactDecimal | None
    unit: str | None
    year: int | None
    base_year: int | None
    note: str | None


class MeasureOut(BaseModel):
    """A clause with its own lead and responsible units."""

    code: str
    text: str
    lead_units: list[UnitOut]
    lead_text: str
    responsible_units: list[UnitOut]
    responsible_text: str | None
    deadline: int | None
    targets: list[MeasureTargetOut]
    related_indicators: list[str]
    open_questions: list[QuestionOut]


class TaskOut(BaseModel):
    """A task with its measures."""

    number: int
    section: str
    title: str
    measures: list[MeasureOut]


class TaskListOut(BaseModel):
    """The tasks in the document's order."""

    items: list[TaskOut]
    next_page_token: str | None


class PeriodOut(BaseModel):
    """A period of a plan."""

    plan: str
    period: str
    state: str
    due_date: date
    opened_at: datetime
    closed_at: datetime | None
    published_at: datetime | None
    publication_number: int | None
    allowed_actions: list[str]


class AssignmentIn(BaseModel):
    """A target that the superior assigned: a value or words, and the document that says so."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "at_least",
                    "value": "60",
                    "document_number": "郑环文〔2025〕18号",
                    "document_date": "2025-03-20",
                }
            ]
        },
    )

    kind: TargetKind
    value: ExactDecimal | None = None
    text: _Words | None = None
    document_number: _Words
    document_date: date
    attachment: _Words | None = Field(default=None, description="Where the document can be read")


class AssignmentListOut(BaseModel):
    """Every target assigned to an indicator for a year, oldest first."""

    items: list[AssignedOut]
    next_page_token: str | None


class DecisionIn(BaseModel):
    """The decision on an open question, and the document that decided it."""

    model_config = ConfigDict(extra="forbid")

    decision: _Words
    document_number: _Words
    document_date: date
