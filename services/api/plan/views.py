"""Renders plans, from the document and the decisions beside it."""

from collections.abc import Collection
from datetime import date
from typing import Any

from services.api.plan.evidence_schemas import required_files
from services.api.plan.schemas import (
    AggregationOut,
    AssignedOut,
    BaselineOut,
    ConditionOut,
    FormulaOut,
    IndicatorOut,
    LevelOut,
    MeasureOut,
    MeasureTargetOut,
    PeriodOut,
    PlanCalendarOut,
    PlanDetailOut,
    PlanOut,
    QuestionOut,
    SettlementOut,
    TargetOut,
    TaskOut,
    UnitOut,
    UnitTargetOut,
)
from services.core.calendars.rules import WorkingCalendar
from services.core.plan.document import (
    Indicator,
    Measure,
    OpenQuestion,
    TargetEntry,
    Task,
    UnitTarget,
)
from services.core.plan.models import AssignedTarget, PlanPeriod, Settlement
from services.core.plan.service import period_actions
from services.core.plan.state import PlanState


def plan_out(plan: PlanState) -> PlanOut:
    """Return the head of a plan."""
    return PlanOut(**_head(plan))


def plan_detail_out(
    plan: PlanState, calendar: WorkingCalendar, today: date, answered: Collection[str]
) -> PlanDetailOut:
    """Return a plan with its document, and its calendar as of a local date.

    `answered` are the periods for which a value was submitted.
    """
    return PlanDetailOut(
        **_head(plan),
        questions=[question_out(question, plan) for question in plan.document.open_questions],
        periods=[
            period_out(period, plan, answered=period.period in answered)
            for period in plan.periods.values()
        ],
        calendar=PlanCalendarOut(
            code=calendar.code,
            announced_until=calendar.announced_until,
            awaits_notice=calendar.awaits_notice(today),
        ),
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
        "fiscal_year_begins": document.fiscal_year_begins,
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


def question_out(question: OpenQuestion, plan: PlanState) -> QuestionOut:
    """Return an open question, with the decision if there is one."""
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
    return question_out(question, plan).model_copy(update={"settlement": _settlement(settled)})


def _questions_on(subject: str, plan: PlanState) -> list[QuestionOut]:
    return [
        question_out(question, plan)
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
        upper=row.upper,
        conditions=[ConditionOut.model_validate(each) for each in row.conditions or ()],
        text=row.text,
        document_number=row.document_number,
        document_date=row.document_date,
        attachment=row.attachment,
        assigned_at=row.assigned_at,
        sequence=row.sequence,
    )


def _dated(target: TargetEntry | UnitTarget, plan: PlanState) -> dict[str, Any]:
    return {
        "year": target.at_year(plan.period_calendar),
        "kind": target.kind,
        "value": target.value,
        "upper": target.upper,
        "conditions": [ConditionOut(**each.model_dump()) for each in target.conditions],
        "target_date": target.end(plan.period_calendar),
        "text": target.text,
    }


def indicator_out(indicator: Indicator, plan: PlanState) -> IndicatorOut:
    """Return an indicator with its assigned targets and open questions."""
    targets = []
    for target in indicator.targets:
        year = target.at_year(plan.period_calendar)
        # A target that the plan itself prints, or that is for a date within the year, applies as
        # printed.
        left_open = target.kind == "assigned_by_superior"
        assigned = plan.assigned.get((indicator.code, year), ()) if left_open else ()
        targets.append(
            TargetOut(
                **_dated(target, plan),
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
        part_of=indicator.part_of,
        selection=indicator.selection,
        adjusted=indicator.adjusted,
        unit=indicator.unit,
        baseline=None
        if baseline is None
        else BaselineOut(year=baseline.year, value=baseline.value, text=baseline.text),
        target=targets[-1],
        targets=targets,
        unit_targets=[
            UnitTargetOut(**_dated(target, plan), organization=_unit(target.organization, plan))
            for target in indicator.unit_targets
        ],
        direction=indicator.direction,
        comparison=indicator.comparison,
        attainment=indicator.attainment or plan.document.scheme.attainment,
        level_with_value=indicator.level_with_value,
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
        formula=None if indicator.formula is None else FormulaOut(**indicator.formula.model_dump()),
        scope=indicator.scope,
        weight=indicator.weight,
        evidence=required_files(indicator.evidence),
        linked_measures=list(indicator.linked_measures),
        quality_flags=list(indicator.quality_flags),
        open_questions=_questions_on(f"indicator:{indicator.code}", plan),
    )


def task_out(task: Task, plan: PlanState) -> TaskOut:
    """Return a task with its measures and their units."""
    return TaskOut(
        number=task.number,
        section=task.section,
        section_number=task.section_number,
        title=task.title,
        measures=[_measure(measure, plan) for measure in task.measures],
    )


def _measure(measure: Measure, plan: PlanState) -> MeasureOut:
    deadline = measure.deadline
    return MeasureOut(
        code=measure.code,
        text=measure.text,
        lead_units=[_unit(code, plan) for code in measure.lead_units],
        lead_text=measure.lead_text,
        responsible_units=[_unit(code, plan) for code in measure.responsible_units],
        responsible_text=measure.responsible_text,
        deadline=plan.period_calendar.year_of(deadline) if isinstance(deadline, date) else deadline,
        deadline_date=deadline if isinstance(deadline, date) else None,
        targets=[MeasureTargetOut(**target.model_dump()) for target in measure.targets],
        related_indicators=list(measure.related_indicators),
        evidence=required_files(measure.evidence),
        open_questions=_questions_on(f"measure:{measure.code}", plan),
    )


def period_out(period: PlanPeriod, plan: PlanState, *, answered: bool) -> PeriodOut:
    """Return a period with its possible verbs; an opening that was answered cannot be undone."""
    final = answered or period.published_at is not None
    actions = [verb for verb in period_actions(period.state) if not (verb == "cancel" and final)]
    days = plan.period_calendar.period(period.period)
    return PeriodOut(
        plan=period.plan_code,
        period=period.period,
        state=period.state,
        first_day=days.first_day,
        last_day=days.last_day,
        due_date=period.due_date,
        opened_at=period.opened_at,
        closed_at=period.closed_at,
        published_at=period.published_at,
        publication_number=period.publication_number,
        allowed_actions=actions,
    )


def period_etag(period: PlanPeriod) -> str:
    """Return the strong ETag of a period: its name and version."""
    return f'"{period.plan_code}/{period.period}.{period.version}"'
