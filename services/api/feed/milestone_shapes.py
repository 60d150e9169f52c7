"""Schemas of the data of events about conflicts over milestones."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class MilestoneConflictData(TypedDict):
    """What a device wanted of a milestone and what the ledger says differ."""

    milestone_id: Annotated[str, Field(description="Id of the milestone")]
    measure_code: Annotated[str, Field(description="Code of the measure")]
    organization_code: Annotated[
        str, Field(description="Code of the organization that it concerns")
    ]
    title: Annotated[str, Field(description="What was promised")]
    verb: Annotated[str, Field(description="What the device wanted: `progress` or `complete`")]
    reason: Annotated[str, Field(description="`both-changed` or `moved-on`")]
    fields: Annotated[list[str], Field(description="What differs")]
    taken: NotRequired[Annotated[str, Field(description="Which was taken: `ledger` or `device`")]]
