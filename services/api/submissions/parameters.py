"""Dependencies shared by the routes of submissions: the caller, and the submission named."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

Reader = Annotated[Actor, Depends(permitted(Permission.READ_SUBMISSIONS))]
SubmissionId = Annotated[
    UUID,
    Path(description="Id of a submission", examples=["019aafc0-0000-7000-8000-000000000000"]),
]
