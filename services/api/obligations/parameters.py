"""Dependencies shared by the routes of obligations: the caller, and the obligation named."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

ObligationId = Annotated[
    UUID,
    Path(description="Id of an obligation", examples=["019bb0f0-1d2c-7000-8000-0000000000c1"]),
]
