"""Schemas of the data of events about conflicts over rows of registers."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class RegisterRowConflictData(TypedDict):
    """What a device wanted a row of a register to say and what the ledger says differ."""

    row_id: Annotated[str, Field(description="Id of the row")]
    register_code: Annotated[str, Field(description="Code of the register")]
    organization_code: Annotated[
        str, Field(description="Code of the organization that it concerns")
    ]
    title: Annotated[str, Field(description="What the row is called")]
    columns: Annotated[list[str], Field(description="Codes of the columns that differ")]
    taken: NotRequired[Annotated[str, Field(description="Which was taken: `ledger` or `device`")]]
