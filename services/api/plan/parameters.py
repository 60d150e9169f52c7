"""Dependencies shared by the routes of a plan: the caller, and the part of the plan named."""

from typing import Annotated

from fastapi import Depends, Path

from services.api.context import PlanInScope
from services.api.plan_parameters import indicator_in
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]
Assigner = Annotated[Actor, Depends(permitted(Permission.ASSIGN_TARGET))]


async def _assigned_code(
    code: Annotated[
        str,
        Path(
            max_length=60,
            description="Code of an indicator whose target the plan leaves to the superior",
            examples=["R01"],
        ),
    ],
    plan: PlanInScope,
) -> str:
    return indicator_in(plan, code)


AssignedCode = Annotated[str, Depends(_assigned_code)]
Year = Annotated[
    int,
    Path(ge=1990, le=2100, description="The target's year, by the plan's years", examples=[2025]),
]
