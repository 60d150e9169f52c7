"""What plans look like on the wire: the printed words beside what they were read as."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.core.kit.decimals import ExactDecimal
from services.core.plan.document import Formula, Indicator, Measure, OpenQuestion, TargetKind
from services.core.plan.document import Task as TaskEntry
from services.core.plan.models import AssignedTarget, PlanPeriod, Settlement
from services.core.plan.queries import PlanState
from services.core.plan.service import period_actions

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


def plan_out(plan: PlanState) -> PlanOut:
    """Return the head of a plan."""
    return PlanOut(**_head(plan))


def plan_detail_out(plan: PlanState) -> PlanDetailOut:
    """Return a plan with its document."""
    return PlanDetailOut(
        **_head(plan),
        questions=[_question(question, plan) for question in plan.document.open_questions],
        periods=[period_out(period) for period in plan.periods.values()],
        document=plan.document.model_dump(mode="json", exclude_none=True),
    )


def _head(plan: PlanState) -> dict[str, Any]:
    document = plan.document
    return {
        "code": plan.code,
        "city_code": plan.city_code,
        "city": document.city.name,
        "title": document.title,
        "version": plan.version,
        "status": document.status,
        "status_text": document.status_text,
        "start": document.span.start,
        "end": document.span.end,
        "time_zone": document.time_zone,
        "indicators": len(document.indicators),
        "tasks": len(document.tasks),
        "measures": sum(len(task.measures) for task in document.tasks),
        "organizations": len(document.organizations),
        "open_questions": sum(
            question.needs_decision and question.id not in plan.settlements
            for question in document.open_questions
        ),
        "notes": list(document.notes),
    }


def _question(question: OpenQuestion, plan: PlanState) -> QuestionOut:
    settled = plan.settlements.get(question.id)
    return QuestionOut(
        id=question.id,
        subjects=list(question.subjects),
        text=question.text,
        text_en=question.text_en,
        needs_decision=question.needs_decision,
        effect=question.effect,
        settlement=None if settled is None else _settlement(settled),
    )


def _settlement(settled: Settlement) -> SettlementOut:
    return SettlementOut(
        decision=settled.decision,
        document_number=settled.document_number,
        document_date=settled.document_date,
        settled_at=settled.settled_at,
    )


def settled_out(question_id: str, settled: Settlement, plan: PlanState) -> QuestionOut:
    """Return a question with the decision that was just recorded."""
    question = next(one for one in plan.document.open_questions if one.id == question_id)
    return _question(question, plan).model_copy(update={"settlement": _settlement(settled)})


def _questions_on(subject: str, plan: PlanState) -> list[QuestionOut]:
    return [
        _question(question, plan)
        for question in plan.document.open_questions
        if subject in question.subjects
    ]


def _unit(code: str, plan: PlanState, *, acting: bool = False) -> UnitOut:
    return UnitOut(code=code, name=plan.organizations[code].name, acting=acting)


def assigned_out(row: AssignedTarget) -> AssignedOut:
    """Return an assigned target."""
    return AssignedOut(
        year=row.year,
        kind=row.kind,
        value=row.value,
        text=row.text,
        document_number=row.document_number,
        document_date=row.document_date,
        attachment=row.attachment,
        assigned_at=row.assigned_at,
        sequence=row.sequence,
    )


def indicator_out(indicator: Indicator, plan: PlanState) -> IndicatorOut:
    """Return an indicator with what was assigned and asked about it."""
    targets = []
    for target in indicator.targets:
        assigned = plan.assigned.get((indicator.code, target.year), ())
        targets.append(
            TargetOut(
                year=target.year,
                kind=target.kind,
                value=target.value,
                text=target.text,
                assigned_by=target.assigned_by,
                assigned=assigned_out(assigned[-1]) if assigned else None,
            )
        )
    owners = [_unit(code, plan) for code in indicator.owners]
    if indicator.acting_owner is not None:
        owners.append(_unit(indicator.acting_owner, plan, acting=True))
    baseline = indicator.baseline
    return IndicatorOut(
        code=indicator.code,
        row=indicator.row,
        name=indicator.name,
        printed_name=indicator.printed_name,
        group=indicator.group,
        level1=indicator.level1,
        level2=indicator.level2,
        selection=indicator.selection,
        adjusted=indicator.adjusted,
        unit=indicator.unit,
        baseline=None
        if baseline is None
        else BaselineOut(year=baseline.year, value=baseline.value, text=baseline.text),
        target=targets[-1],
        targets=targets,
        direction=indicator.direction,
        aggregation=AggregationOut(
            units=indicator.aggregation.units, periods=indicator.aggregation.periods
        ),
        frequency=indicator.frequency,
        owners=owners,
        owner_text=indicator.owner_text,
        levels=[
            LevelOut(code=level.code, name=level.name, points=level.points)
            for level in indicator.levels
        ],
        formula=indicator.formula,
        scope=indicator.scope,
        weight=indicator.weight,
        linked_measures=list(indicator.linked_measures),
        quality_flags=list(indicator.quality_flags),
        open_questions=_questions_on(f"indicator:{indicator.code}", plan),
    )


def task_out(task: TaskEntry, plan: PlanState) -> TaskOut:
    """Return a task with its measures and their units."""
    return TaskOut(
        number=task.number,
        section=task.section,
        title=task.title,
        measures=[_measure(measure, plan) for measure in task.measures],
    )


def _measure(measure: Measure, plan: PlanState) -> MeasureOut:
    return MeasureOut(
        code=measure.code,
        text=measure.text,
        lead_units=[_unit(code, plan) for code in measure.lead_units],
        lead_text=measure.lead_text,
        responsible_units=[_unit(code, plan) for code in measure.responsible_units],
        responsible_text=measure.responsible_text,
        deadline=measure.deadline,
        targets=[MeasureTargetOut(**target.model_dump()) for target in measure.targets],
        related_indicators=list(measure.related_indicators),
        open_questions=_questions_on(f"measure:{measure.code}", plan),
    )


def period_out(period: PlanPeriod) -> PeriodOut:
    """Return a period with what can be done with it."""
    return PeriodOut(
        plan=period.plan_code,
        period=period.period,
        state=period.state,
        due_date=period.due_date,
        opened_at=period.opened_at,
        closed_at=period.closed_at,
        published_at=period.published_at,
        publication_number=period.publication_number,
        allowed_actions=list(period_actions(period.state)),
    )
