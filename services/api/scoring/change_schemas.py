"""Pydantic schemas of the difference of two scores."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.score_changes import CauseOut, IndicatorChangeOut
from services.api.scoring.schemas import AdjustedScoreOut, MethodOut


class ComparedBoardOut(AdjustedScoreOut):
    """One of the two scoreboards that are compared."""

    as_of: datetime = Field(description="When it was computed")
    position: int = Field(description="The log position that it was computed at")
    local_date: date = Field(description="The day it was made for, where the city is")
    plan_version: int = Field(description="The version of the plan that it was made by")
    method: MethodOut = Field(description="By which scheme")
    publication_number: int | None = Field(description="The number it was published under, if any")
    score: Digits | None = Field(description="0–100, unrounded; null counts as 0 here")
    display: str | None = Field(description="The score as it is shown to people")
    grade: str | None = Field(description="Code of the grade that it has; null: none")


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
    adjusted_difference: Digits | None = Field(
        default=None,
        description="The same of the scores after deductions and bonuses; null: neither has any."
        " The parts add up to `difference`, and what deductions and bonuses made is the rest",
    )
    whole_plan: list[CauseOut] = Field(description="What is no single indicator's")
    indicators: list[IndicatorChangeOut] = Field(description="Those of which something changed")
