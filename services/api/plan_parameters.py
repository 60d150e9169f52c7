"""Parameters that name a part of a plan: a period, an indicator, a task.

A part that the plan does not have is refused before anything else of the request is checked.
"""

from typing import Annotated

from fastapi import Depends, Path, Query

from services.api.context import PlanInScope
from services.core.plan.errors import IndicatorNotFound, TaskNotFound
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import parsed_period

PeriodCode = Annotated[
    str,
    Path(
        alias="period",
        max_length=40,
        description="A year `2025`, a half `2025-H1`, a quarter `2025-Q3` or a month `2025-09`",
        examples=["2025"],
    ),
]
PeriodQuery = Annotated[
    str | None,
    Query(
        max_length=40,
        description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`; default: the plan's last target"
        " year",
        examples=["2025"],
    ),
]
PeriodFilter = Annotated[str | None, Query(max_length=40, description="Of this period only")]
SectionQuery = Annotated[
    str | None,
    Query(
        max_length=500,
        description="Number of a section, such as `一`, or its heading",
        examples=["四"],
    ),
]


async def _indicator_code(
    code: Annotated[
        str, Path(max_length=60, description="Code of an indicator of the plan", examples=["U08"])
    ],
    plan: PlanInScope,
) -> str:
    return indicator_in(plan, code)


async def _task_number(
    number: Annotated[
        int, Path(ge=1, le=100_000, description="Number of a task of the plan", examples=[14])
    ],
    plan: PlanInScope,
) -> int:
    if all(task.number != number for task in plan.document.tasks):
        raise TaskNotFound
    return number


IndicatorCode = Annotated[str, Depends(_indicator_code)]
TaskNumber = Annotated[int, Depends(_task_number)]


def indicator_in(plan: PlanState, code: str) -> str:
    """Return the code of an indicator that the plan has.

    Raises:
        IndicatorNotFound: the plan has no indicator of this code.
    """
    if code not in plan.indicators:
        raise IndicatorNotFound
    return code


def period_of_board(plan: PlanState, code: str | None) -> Period:
    """Return the requested period, by default the plan's last target year.

    Raises:
        InvalidInput: the code is not a period, or begins before the plan does.
    """
    if code is not None:
        return parsed_period(plan, code, "/query/period")
    return plan.period_calendar.year(plan.document.last_target_year)
