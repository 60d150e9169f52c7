"""What the difference of two scores looks like on the wire."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.actors import ActorOut
from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.scoring.schemas import MethodOut

_KINDS = ["value", "target", "rule", "period", "day", "plan", "method"]


class ComparedBoardOut(BaseModel):
    """One of the two scoreboards that are compared."""

    as_of: datetime = Field(description="When it was computed")
    position: int = Field(description="The log position that it was computed at")
    local_date: date = Field(description="The day it was made for, where the city is")
    plan_version: int = Field(description="The version of the plan that it was made by")
    method: MethodOut = Field(description="By which scheme")
    publication_number: int | None = Field(description="The number it was published under, if any")
    score: Digits | None = Field(description="0–100, unrounded; null counts as 0 here")
    display: str | None = Field(description="The score as it is shown to people")


class ChangeEventOut(BaseModel):
    """An event of the log that lies behind a change."""

    id: UUID = Field(description="Its id")
    position: int = Field(description="Its number in the log")
    type: str = Field(description="Such as `submission.approved`")
    occurred_at: datetime = Field(description="When it happened")
    actor: ActorOut = Field(description="Who did it")


class CauseOut(BaseModel):
    """A part of the difference and why it is there."""

    kind: Annotated[str, one_of(_KINDS)] = Field(
        description="A `value` approved or corrected, a `target` assigned or printed anew, a"
        " `rule` or weight changed, a `period` opened, closed or given another date, a `day` that"
        " passed, the `plan`'s groups or scheme, or the `method` of adding up of an older version"
    )
    points: Digits = Field(description="Its part of the difference, in points of the score, exact")
    events: list[ChangeEventOut] = Field(description="What was done, oldest first; a day has none")
    period: str | None = Field(default=None, description="Of which period the value is")
    organization_code: str | None = Field(default=None, description="Of which unit the value is")
    submission_id: UUID | None = Field(default=None, description="Id of the submission")
    revision: int | None = Field(default=None, description="The revision that came to count")
    more_values: int = Field(default=0, description="How many other values this part stands for")
    outside_scope: bool = Field(default=False, description="Another unit's: only points are told")


class ComparedStandingOut(BaseModel):
    """How an indicator stood on one of the two scoreboards."""

    state: str = Field(description="`scored` and `missing` count in the score, the others not")
    value: Digits | None = Field(description="The city's value, unrounded")
    attainment: Digits | None = Field(description="0–100")
    weight: Digits = Field(description="Its weight in the score")
    light: str = Field(description="Where it was heading")


class IndicatorChangeOut(BaseModel):
    """What of the difference one indicator made."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    group: str = Field(description="Code of its group")
    before: ComparedStandingOut | None = Field(description="How it stood; null: it was no part")
    after: ComparedStandingOut | None = Field(description="How it stands; null: it is no part")
    difference: Digits = Field(description="Its causes' points together")
    causes: list[CauseOut] = Field(description="In the order in which they are counted")


class ChangesOut(BaseModel):
    """Why a score changed: the parts add up to the difference to the last digit."""

    model_config = ConfigDict(populate_by_name=True)

    exported: ClassVar[Sequence[str]] = ("indicators", "whole_plan")

    plan: str = Field(description="Code of the plan")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    basis: Annotated[str, one_of(["approved", "submitted"])] = Field(
        description="Which values count"
    )
    from_: ComparedBoardOut | None = Field(
        alias="from", description="The earlier board; null: none had been drawn"
    )
    to: ComparedBoardOut = Field(description="The later board")
    difference: Digits = Field(description="The later score less the earlier one, exact")
    whole_plan: list[CauseOut] = Field(description="What is no single indicator's")
    indicators: list[IndicatorChangeOut] = Field(description="Those of which something changed")
