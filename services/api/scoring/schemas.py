"""What scores look like on the wire. Decimals are text; null means that there is none."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field


class MethodOut(BaseModel):
    """By which scheme a score was made."""

    name: str
    version: str


class GateOut(BaseModel):
    """What stands beside the score: why the grade is not better."""

    model_config = {"extra": "allow"}


class OverallOut(BaseModel):
    """The score of the plan in a period."""

    model_config = {"extra": "allow"}

    score: str | None
    display: str | None
    grade: str | None
    coverage: str | None = Field(description="Assessable weight ÷ all weight, 0–1")
    gate: GateOut


class GroupOut(BaseModel):
    """The score of a group."""

    model_config = {"extra": "allow"}

    code: str
    name: str
    score: str | None
    weight: str | None
    coverage: str | None


class IndicatorScoreOut(BaseModel):
    """Where one indicator stands, with its light and the reason in words."""

    model_config = {"extra": "allow"}

    code: str
    name: str
    group: str
    state: str = Field(
        description="`scored`, `missing`, `not_applicable`, `not_assessable`, `not_due`,"
        " `not_opened`"
    )
    value: str | None
    display: str | None
    target: Any
    met: bool | None
    attainment: str | None
    pace: str | None
    light: str
    reason: str
    weight: str


class ScoreboardOut(BaseModel):
    """The scoreboard of a period."""

    plan: str
    plan_version: int
    plan_status: str
    period: str
    basis: str
    as_of: datetime | None
    position: int = Field(description="The log position that it was computed at")
    local_date: date
    method: MethodOut
    publication_number: int | None
    overall: OverallOut
    groups: list[GroupOut]
    indicators: list[IndicatorScoreOut]


class PointOut(BaseModel):
    """One period of a series."""

    model_config = {"extra": "allow"}

    period: str
    state: str
    value: str | None
    display: str | None
    met: bool | None
    attainment: str | None
    light: str


class SeriesOut(BaseModel):
    """An indicator's values over time, by period code."""

    plan: str
    indicator_code: str
    basis: str
    items: list[PointOut]
    next_page_token: str | None


class ContributionOut(BaseModel):
    """A reported value that went into a score."""

    submission_id: UUID
    revision: int
    organization_code: str
    period: str
    value: str | None
    numerator: str | None
    denominator: str | None
    level: str | None
    not_applicable_reason: str | None
    provisional: bool
    falsified: bool


class ScoreOut(BaseModel):
    """One score with its trace: recomputing from it gives the same digits."""

    plan: str
    indicator_code: str
    period: str
    basis: str
    position: int
    method: MethodOut
    score: IndicatorScoreOut
    steps: list[str] = Field(description="The trace in words, in the caller's language")
    trace: dict[str, Any]
    submissions: list[ContributionOut] = Field(description="At most 500, within the caller's scope")
    submissions_outside_scope: int
