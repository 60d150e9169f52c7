"""Pydantic schemas of two scoreboards side by side."""

from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.scoring.change_schemas import ComparedBoardOut
from services.core.plan.document import Selection
from services.core.scoring.judgement import ScoreState
from services.core.scoring.lights import Light
from services.core.submissions.rules import DataStatus


class BoardSideOut(ComparedBoardOut):
    """One of the two scoreboards."""

    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    grade_name: str | None = Field(description="Name of the grade")
    coverage: Digits | None = Field(description="Assessable weight ÷ all weight, 0–1")


class StandingSideOut(BaseModel):
    """How an indicator stands on one of the two scoreboards."""

    state: Annotated[str, one_of(get_args(ScoreState))] = Field(
        description="`scored` and `missing` count in the score, the others not"
    )
    value: Digits | None = Field(description="The city's value, unrounded")
    display: str | None = Field(description="The value, or the level's name, for people")
    data_status: Annotated[str | None, one_of(get_args(DataStatus), nullable=True)] = Field(
        description="Whether the value may still be revised; null: there is none"
    )
    met: bool | None = Field(
        description="Whether the target is met; null: nobody can say, or a part of a year's sum"
    )
    attainment: Digits | None = Field(description="0–100, what the score is added from")
    weight: Digits = Field(description="Its weight in the score")
    light: Annotated[str, one_of(get_args(Light))] = Field(
        description="Where it is heading; `grey`: nobody can say"
    )
    light_name: str = Field(description="The light in a word, for paper without colours: 绿")
    reason: str = Field(description="Why the light is as it is, in Chinese")
    reason_en: str = Field(description="The same in English")


class ComparedIndicatorOut(BaseModel):
    """An indicator on both scoreboards."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    group: str = Field(description="Code of its group")
    selection: Annotated[str, one_of(get_args(Selection))] = Field(
        description="Mandatory, optional or self-selected"
    )
    unit: str = Field(description="Unit of its value")
    before: StandingSideOut | None = Field(description="How it stood; null: it was no part")
    after: StandingSideOut | None = Field(description="How it stands; null: it is no part")
    change: Digits | None = Field(
        description="The later value less the earlier one, exact; null: one of them is no number"
    )
    attainment_change: Digits | None = Field(
        description="The later attainment less the earlier one, exact; null: one of them is none"
    )


class ComparisonOut(BaseModel):
    """Two scoreboards side by side."""

    model_config = ConfigDict(populate_by_name=True)

    plan: str = Field(description="Code of the plan")
    basis: Annotated[str, one_of(["approved", "submitted"])] = Field(
        description="Which values count"
    )
    from_: BoardSideOut | None = Field(
        alias="from", description="The earlier board; null: none had been drawn"
    )
    to: BoardSideOut = Field(description="The later board")
    difference: Digits | None = Field(
        description="The later score less the earlier one, exact; null: one of them has none"
    )
    items: list[ComparedIndicatorOut] = Field(
        description="In the later board's order, then those that it has not"
    )
    next_page_token: str | None = Field(description="Always null: the list is whole")
