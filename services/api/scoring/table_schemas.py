"""Pydantic schemas of the plan's indicator table."""

from datetime import date, datetime
from typing import Annotated, get_args

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.scoring.schemas import AdjustedScoreOut, MethodOut
from services.core.plan.document import Selection
from services.core.scoring.lights import Light
from services.core.submissions.rules import DataStatus


class TableLineOut(BaseModel):
    """A line of the plan's indicator table, and where it stands."""

    row: int | None = Field(description="Its row in the printed table")
    code: str = Field(description="Code of the indicator")
    level1: str | None = Field(description="First-level heading")
    level2: str | None = Field(description="Second-level heading; null where none is printed")
    printed_name: str = Field(description="Its name as printed, with ★ and *")
    selection: Annotated[str, one_of(get_args(Selection))] = Field(
        description="Mandatory, optional or self-selected"
    )
    unit: str = Field(description="Unit of its value")
    baseline_year: int | None = Field(description="The year that the baseline was measured for")
    baseline: str | None = Field(description="Where it stood, as printed")
    target_year: int = Field(description="By the end of which it is to be reached")
    target: str | None = Field(
        description="As printed, or in the superior's words; the number with its sign where there"
        " are none"
    )
    target_source: Annotated[str, one_of(["plan", "assigned"])] = Field(
        description="Printed in the plan, or assigned by the superior"
    )
    owner_text: str | None = Field(description="The units in charge, as printed")
    value: Digits | None = Field(description="The city's value, unrounded")
    display: str | None = Field(description="The value, or the level's name, for people")
    data_status: Annotated[str | None, one_of(get_args(DataStatus), nullable=True)] = Field(
        description="Whether the value may still be revised; null: there is none"
    )
    met: bool | None = Field(
        description="Whether the target is met; null: nobody can say, or a part of a year's sum"
    )
    attainment: Digits | None = Field(description="0–100, what the score is added from")
    light: Annotated[str, one_of(get_args(Light))] = Field(
        description="Where it is heading; `grey`: nobody can say"
    )
    light_name: str = Field(description="The light in a word, for paper without colours: 绿")
    reason: str = Field(description="Why the light is as it is, in Chinese")
    reason_en: str = Field(description="The same in English")


class IndicatorTableOut(AdjustedScoreOut):
    """The plan's indicator table in a period: what is printed, and what was reached."""

    plan: str = Field(description="Code of the plan")
    title: str = Field(description="Title of the plan, as printed")
    plan_version: int = Field(description="The version of the plan that it was made by")
    plan_status: Annotated[str, one_of(["draft", "issued"])] = Field(
        description="Whether the plan is a draft (征求意见稿)"
    )
    status_text: str = Field(description="The status in the document's words")
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    basis: Annotated[str, one_of(["approved", "submitted"])] = Field(
        description="Which values count"
    )
    as_of: datetime | None = Field(
        description="The instant it is of: the one asked for, or when it was computed"
    )
    local_date: date = Field(description="The day it was made for, where the city is")
    method: MethodOut = Field(description="By which scheme")
    publication_number: int | None = Field(
        description="The number that this very scoreboard was published under; null: it was not"
    )
    score: Digits | None = Field(description="0–100, unrounded; null: nothing can be assessed yet")
    display: str | None = Field(description="The score as it is shown to people")
    grade_name: str | None = Field(description="Name of the grade")
    coverage: Digits | None = Field(description="Assessable weight ÷ all weight, 0–1")
    items: list[TableLineOut] = Field(description="In the document's order")
    next_page_token: str | None = Field(description="Always null: the list is whole")
