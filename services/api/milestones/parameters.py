"""Dependencies shared by the routes of milestones: the caller, and the milestone named."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

Reader = Annotated[Actor, Depends(permitted(Permission.READ_MILESTONES))]
Writer = Annotated[Actor, Depends(permitted(Permission.WRITE_MILESTONES))]
MilestoneId = Annotated[
    UUID,
    Path(description="Id of a milestone", examples=["019aafc0-0000-7000-8000-0000000000c1"]),
]
