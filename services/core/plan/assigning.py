"""Targets that the superior assigns: recorded with the document that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import record
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan import queries
from services.core.plan.document import TargetKind
from services.core.plan.errors import IndicatorNotFound, TargetNotAssignable
from services.core.plan.models import AssignedTarget
from services.core.plan.queries import PlanState
from services.core.plan.service import happening
from services.core.plan.target_checks import COMPOSITE_KINDS, KINDS_WITH_VALUE

_NOT_ASSIGNABLE: frozenset[TargetKind] = COMPOSITE_KINDS | {"between", "assigned_by_superior"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A target from the superior: a value or words, and the document that says so."""

    kind: TargetKind
    value: Decimal | None
    text: str | None
    document_number: str
    document_date: date
    attachment: str | None = None


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
    """Record what the superior assigned; earlier assignments of the year stay readable.

    The caller holds the plan (`plan_for_change`).

    Raises:
        IndicatorNotFound: the plan has no such indicator.
        TargetNotAssignable: the plan prints the target of that year itself.
        InvalidInput: kind, value and text do not fit together.
    """
    indicator = plan.indicators.get(indicator_code)
    if indicator is None:
        raise IndicatorNotFound
    if not any(target.kind == "assigned_by_superior" for target in indicator.targets):
        raise TargetNotAssignable
    faults = _assignment_faults(assignment)
    if faults:
        raise InvalidInput(faults=faults)
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
                "value": None if assignment.value is None else str(assignment.value),
                "text": assignment.text,
                "document_number": assignment.document_number,
                "document_date": assignment.document_date.isoformat(),
            },
            now,
        ),
    )
    return row


def _assignment_faults(assignment: Assignment) -> list[Fault]:
    faults = []
    if assignment.kind in _NOT_ASSIGNABLE:
        faults.append(
            Fault(
                "/kind",
                "kind-not-assignable",
                Text(
                    "须写明下达的目标类型；区间和多个条件请写入计划文档",
                    "Say which kind of target was assigned; a range or several conditions are"
                    " written into the plan document",
                ),
                assignment.kind,
            )
        )
    elif assignment.kind == "full_coverage" and assignment.value not in {None, Decimal(100)}:
        faults.append(
            Fault(
                "/value",
                "not-full-coverage",
                Text(
                    "全覆盖即 100；其他数值请用 at_least",
                    "Full coverage is 100; use at_least for another number",
                ),
                str(assignment.value),
            )
        )
    elif assignment.kind in KINDS_WITH_VALUE and assignment.value is None:
        faults.append(
            Fault("/value", "value-required", Text("该类型须有数值", "This kind needs a value"))
        )
    elif assignment.kind not in KINDS_WITH_VALUE and assignment.value is not None:
        faults.append(
            Fault(
                "/value",
                "value-not-expected",
                Text("该类型没有数值", "This kind has no value"),
                str(assignment.value),
            )
        )
    if assignment.value is None and not assignment.text:
        faults.append(
            Fault("/text", "text-required", Text("须有数值或文字", "Give a value or a text"))
        )
    return faults
