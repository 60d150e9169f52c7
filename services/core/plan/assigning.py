"""Records targets that the superior assigns, with the document that assigns them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import record
from services.core.kit.decimals import plain_or_none
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan import queries
from services.core.plan.collected_faults import Faults
from services.core.plan.document import Condition, Indicator, PlanDocument, TargetKind
from services.core.plan.document_dates import document_date_faults
from services.core.plan.errors import IndicatorNotFound, TargetNotAssignable
from services.core.plan.models import AssignedTarget
from services.core.plan.service import happening
from services.core.plan.state import PlanState
from services.core.plan.target_faults import against, check_form
from services.core.plan.targets import prints_year


@dataclass(frozen=True, slots=True)
class Assignment:
    """A target assigned by the superior: a value or text, and the document that assigns it.

    `upper` is the other end of `between`; `conditions` belong to all_of and any_of.
    """

    kind: TargetKind
    value: Decimal | None
    text: str | None
    document_number: str
    document_date: date
    attachment: str | None = None
    upper: Decimal | None = None
    conditions: tuple[Condition, ...] = ()


async def assign_target(
    session: AsyncSession,
    *,
    plan: PlanState,
    indicator_code: str,
    year: int,
    assignment: Assignment,
    actor: Mapping[str, object],
    now: datetime,
) -> AssignedTarget:
    """Record a target assigned by the superior; earlier assignments of the year stay readable.

    The caller holds the plan's lock (`plan_for_change`).

    Raises:
        IndicatorNotFound: the plan has no such indicator.
        TargetNotAssignable: the plan prints the target of that year itself.
        InvalidInput: the assignment does not fit its kind, or the kind does not fit the indicator;
            or the plan has no such year.
    """
    indicator = plan.indicators.get(indicator_code)
    if indicator is None:
        raise IndicatorNotFound
    if not any(target.kind == "assigned_by_superior" for target in indicator.targets):
        raise TargetNotAssignable
    if prints_year(indicator.targets, year, plan.period_calendar):
        raise TargetNotAssignable
    faults = _year_faults(year, plan.document) + _assignment_faults(assignment, indicator)
    faults += document_date_faults(assignment.document_date, plan.local_date(now))
    if faults:
        raise InvalidInput(faults=faults)
    conditions = [_written(condition) for condition in assignment.conditions]
    sequence = 1 + await queries.assignments(
        session, plan.city_code, plan.code, indicator_code, year
    )
    row = AssignedTarget(
        city_code=plan.city_code,
        plan_code=plan.code,
        indicator_code=indicator_code,
        year=year,
        sequence=sequence,
        kind=assignment.kind,
        value=assignment.value,
        upper=assignment.upper,
        conditions=conditions or None,
        text=assignment.text,
        document_number=assignment.document_number,
        document_date=assignment.document_date,
        attachment=assignment.attachment,
        assigned_at=now,
        assigned_by=dict(actor),
    )
    session.add(row)
    await session.flush()
    await record(
        session,
        happening(
            (plan.city_code, plan.code),
            "target.assigned",
            ("indicator", f"{plan.code}/{indicator_code}"),
            actor,
            {
                "indicator_code": indicator_code,
                "year": year,
                "sequence": sequence,
                "kind": assignment.kind,
                "value": plain_or_none(assignment.value),
                "upper": plain_or_none(assignment.upper),
                "conditions": conditions,
                "text": assignment.text,
                "document_number": assignment.document_number,
                "document_date": assignment.document_date.isoformat(),
            },
            now,
        ),
    )
    return row


def _year_faults(year: int, document: PlanDocument) -> list[Fault]:
    """Return the fault of a year outside the plan, by which nothing is measured."""
    calendar = document.period_calendar
    first = calendar.year_of(document.span.start)
    last = max(calendar.year_of(document.span.end), document.last_target_year)
    if first <= year <= last:
        return []
    words = Text(
        f"该计划的年份为 {first}—{last}，请填写其中一年",
        f"The plan's years are {first} to {last}: give one of these",
    )
    return [Fault("/path/year", "year-outside-plan", words, str(year))]


def _assignment_faults(assignment: Assignment, indicator: Indicator) -> list[Fault]:
    """Return the faults of an assignment; its form is validated like that of a printed target."""
    if assignment.kind == "assigned_by_superior":
        words = Text("须写明下达的目标类型", "Say which kind of target was assigned")
        return [Fault("/kind", "kind-not-assignable", words, assignment.kind)]
    of_form = Faults(lambda _place: False)
    check_form("", assignment, of_form)
    faults = [*of_form.faults, *_contradictions(assignment, indicator)]
    if assignment.value is None and not assignment.text:
        faults.append(
            Fault("/text", "text-required", Text("须有数值或文字", "Give a value or a text"))
        )
    return faults


def _contradictions(assignment: Assignment, indicator: Indicator) -> list[Fault]:
    direction = indicator.direction
    return [
        Fault(
            at,
            "direction-contradicts-kind",
            Text(
                f"{named} 与指标 {indicator.code} 的 direction（{direction}）矛盾：请核对下达文件",
                f"{named} contradicts direction ({direction}) of indicator {indicator.code}: check"
                " the document that assigns it",
            ),
            kind,
        )
        for at, kind, named in against(indicator, "", assignment)
    ]


def _written(condition: Condition) -> dict[str, str | None]:
    """Return a condition in its stored form, its numbers exact."""
    return {
        "kind": condition.kind,
        "value": plain_or_none(condition.value),
        "upper": plain_or_none(condition.upper),
    }
