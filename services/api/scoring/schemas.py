"""Pydantic schemas of scores. Decimals are text; null means that there is none."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.actors import ActorOut
from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.paging import PageOut
from services.core.plan.document import Selection, TargetKind
from services.core.scoring.judgement import ScoreState
from services.core.scoring.lights import Light
from services.core.submissions.rules import DataStatus

_State = Annotated[str, one_of(get_args(ScoreState))]
_Light = Annotated[str, one_of(get_args(Light))]
_Basis = Annotated[str, one_of(["approved", "submitted"])]
_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"


class _Open(BaseModel):
    """Boards are stored as they are shown, so what a later version adds is passed on."""

    model_config = ConfigDict(extra="allow")


class MethodOut(BaseModel):
    """By which scheme a score was made."""

    name: Annotated[str, one_of(["completion-rate", "distance-to-target"])] = Field(
        description="The rule"
    )
    version: str = Field(description="The version of the rule's parameters, as the plan names it")


class BandOut(_Open):
    """A grade and the score from which it is given."""

    code: str = Field(description="Such as `good`")
    name: str = Field(description="Such as 良好")
    minimum: Digits = Field(description="The least score")


class GateReasonOut(_Open):
    """Why the grade is not the one of the score."""

    reason_code: str = Field(description="Stable, English")
    reason: str | None = Field(description="In Chinese")
    reason_en: str | None = Field(description="In English")


class GateOut(_Open):
    """What stands beside the score: grades, caps and vetoes, and which of them applied."""

    grade_by_score: str | None = Field(description="The grade that the score alone would give")
    minimum_coverage: Digits = Field(description="Below it no grade is given")
    bands: list[BandOut] = Field(description="The grades, best first")
    mandatory_not_met: list[str] = Field(description="Codes of mandatory indicators not met")
    mandatory_not_met_cap: str | None = Field(description="The best grade while there are any")
    falsified: list[str] = Field(description="Codes of indicators with a falsified value")
    falsified_grade: str | None = Field(description="The grade while there are any")
    reasons: list[GateReasonOut] = Field(description="Why the grade is not the score's")


class AdjustmentOut(_Open):
    """A deduction or a bonus beside the score."""

    code: str = Field(description="Its code within the plan's scheme")
    name: str = Field(description="Its name")
    kind: Annotated[str, one_of(["deduction", "bonus"])] = Field(description="Which of the two")
    indicator: str = Field(description="Code of the indicator whose value is the occurrences")
    occurrences: Digits | None = Field(description="How many; null: nothing was reported")
    points: Digits = Field(description="What that makes, not above the cap")
    cap: Digits = Field(description="The most that it makes")


class OverallOut(_Open):
    """The score of the plan in a period."""

    score: Digits | None = Field(description="0–100, unrounded; null: nothing can be assessed yet")
    display: str | None = Field(description="The score as it is shown to people")
    grade: str | None = Field(description="Code of the grade; null: none is given")
    grade_name: str | None = Field(description="Name of the grade")
    coverage: Digits | None = Field(description="Assessable weight ÷ all weight, 0–1")
    weight: Digits | None = Field(
        default=None, description="All weight that applies, after sharing by the scheme"
    )
    adjusted_score: Digits | None = Field(
        default=None, description="The score after deductions and bonuses; null: no such rules"
    )
    adjusted_display: str | None = Field(default=None, description="The same, shown to people")
    deducted: Digits | None = Field(default=None, description="Points that deductions take")
    added: Digits | None = Field(
        default=None, description="Points that bonuses add, within their cap"
    )
    adjustments: list[AdjustmentOut] = Field(
        default=[], description="Each rule of deductions and bonuses, and what it makes"
    )
    gate: GateOut = Field(description="What stands beside the score")


class GroupOut(_Open):
    """The score of a group."""

    code: str = Field(description="Code of the group")
    name: str = Field(description="Its name")
    score: Digits | None = Field(
        description="0–100, unrounded; null: nothing in it can be assessed"
    )
    display: str | None = Field(description="The score as it is shown to people")
    weight: Digits | None = Field(description="Its weight in the overall score")
    effective_weight: Digits | None = Field(
        default=None,
        description="What is left of it where the weight of what does not apply is not shared",
    )
    coverage: Digits | None = Field(description="Assessable weight ÷ all weight, 0–1")
    reason_code: str | None = Field(description="Why it has no score")
    reason: str | None = Field(description="The same in Chinese")
    reason_en: str | None = Field(description="The same in English")


class ScoredTargetOut(_Open):
    """The target that was measured against."""

    year: int = Field(description="By the end of which it is to be reached")
    date: str | None = Field(
        default=None, description="The last day on which it may be reached, `2025-12-31`"
    )
    kind: Annotated[str, one_of(get_args(TargetKind))] = Field(description="What sort it is")
    value: Digits | None = Field(description="Null where the kind sets no number")
    upper: Digits | None = Field(default=None, description="The other end of `between`")
    text: str | None = Field(description="As printed, or in the superior's words")
    source: Annotated[str, one_of(["plan", "assigned"])] = Field(
        description="Printed in the plan, or assigned by the superior"
    )


class AbsentOut(_Open):
    """A part of a value that is owed and not there."""

    period: str = Field(description=_PERIOD)
    organization_code: str | None = Field(description="Who owes it; null: nobody is in charge")
    name: str | None = Field(description="Its name")
    overdue: bool = Field(description="Its date has passed or its period takes no more values")


class LateUnitOut(_Open):
    """A unit of which a part is overdue."""

    organization_code: str | None = Field(description="Who owes it; null: nobody is in charge")
    name: str | None = Field(description="Its name")
    periods: list[str] = Field(description="Of which periods it lacks a part")


class CompletenessOut(_Open):
    """How much of what a value is made of is there: by unit, and by finer period."""

    expected: int = Field(description="Parts that the value needs so far")
    reported: int = Field(description="Those that are there")
    overdue: int = Field(description="Those that are not, and are held against it")
    absent: list[AbsentOut] = Field(
        description="Which are not there, the overdue first; at most 20"
    )
    late: list[LateUnitOut] = Field(
        default=[],
        description="Every unit of which a part is overdue: nothing that counts is there, whether"
        " or not something was handed in; absent from scoreboards of earlier versions",
    )


class _Standing(_Open):
    state: _State = Field(description="`scored` and `missing` count in the score, the others not")
    value: Digits | None = Field(description="The city's value, unrounded")
    display: str | None = Field(description="The value, or the level's name, for people")
    met: bool | None = Field(
        description="Whether the target is met; null: nobody can say, or a part of a year's sum"
    )
    target_date_passed: bool | None = Field(
        default=None,
        description="Whether 24:00 of the target's date has passed: only then does a mandatory"
        " indicator that is not met cap the grade; absent from scoreboards of earlier versions",
    )
    attainment: Digits | None = Field(description="0–100, what the score is added from")
    light: _Light = Field(description="Where it is heading; `grey`: nobody can say")
    level: str | None = Field(description="Code of the level, of a qualitative one")
    target: ScoredTargetOut = Field(description="What it was measured against")
    pace: Digits | None = Field(
        description="Share of the way done ÷ share of time gone; for a part of a year's sum done"
        " ÷ due by then, or due ÷ done where the target is a cap"
    )
    months_of_sum: int | None = Field(
        default=None,
        description="Of a sum that is a part of what its target is for, over how many months it is"
        " so far; null: it is a whole one, or none; absent from scoreboards of earlier versions",
    )
    reason_code: str = Field(description="Why it stands so: stable, English")
    reason: str = Field(description="The same in Chinese")
    reason_en: str = Field(description="The same in English")
    data_status: Annotated[str | None, one_of(get_args(DataStatus), nullable=True)] = Field(
        description="Whether the value may still be revised; null: there is none"
    )
    falsified: bool = Field(description="A value in it was found falsified")
    reporting: CompletenessOut | None = Field(
        default=None,
        description="What is owed and absent: with an overdue part nothing is met or green; absent"
        " from scoreboards of earlier versions",
    )


class IndicatorScoreOut(_Standing):
    """Where one indicator stands, with its light and the reason in words."""

    code: str = Field(description="Code of the indicator")
    name: str = Field(description="Its name")
    group: str = Field(description="Code of its group")
    selection: Annotated[str, one_of(get_args(Selection))] = Field(
        description="Mandatory, optional or self-selected"
    )
    unit: str = Field(description="Unit of its value")
    weight: Digits = Field(description="Its weight in the score")


class ScoreboardOut(BaseModel):
    """The scoreboard of a period."""

    exported: ClassVar[Sequence[str]] = ("indicators", "groups")

    plan: str = Field(description="Code of the plan")
    plan_version: int = Field(description="The version of the plan that it was made by")
    plan_status: Annotated[str, one_of(["draft", "issued"])] = Field(
        description="Whether the plan is a draft (征求意见稿)"
    )
    period: str = Field(description=_PERIOD)
    basis: _Basis = Field(description="Which values count")
    as_of: datetime | None = Field(
        description="The instant it is of: the one asked for, or when it was computed"
    )
    position: int = Field(description="The log position that it was computed at; 0: never yet")
    local_date: date = Field(description="The day it was made for, where the city is")
    method: MethodOut = Field(description="By which scheme")
    publication_number: int | None = Field(
        description="The number that this very scoreboard was published under; null: it was not"
    )
    overall: OverallOut = Field(description="The score of the plan")
    groups: list[GroupOut] = Field(description="In the document's order")
    indicators: list[IndicatorScoreOut] = Field(description="In the document's order")


class AdjustedScoreOut(BaseModel):
    """What stands beside a score where the plan has deductions and bonuses."""

    adjusted_score: Digits | None = Field(
        default=None, description="The score after deductions and bonuses; null: no such rules"
    )
    adjusted_display: str | None = Field(default=None, description="The same, shown to people")


def adjusted_fields(overall: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members beside a scoreboard's score, as `AdjustedScoreOut` has them."""
    return {name: overall.get(name) for name in AdjustedScoreOut.model_fields}


class PublicationOut(AdjustedScoreOut):
    """A scoreboard that was published; `scoreboard?publication=` reads it whole."""

    number: int = Field(description="Its number, for good")
    period: str = Field(description=_PERIOD)
    published_at: datetime = Field(description="When")
    published_by: ActorOut = Field(description="By whom")
    score: Digits | None = Field(description="0–100, unrounded; null: none, or not frozen yet")
    display: str | None = Field(description="The score as it was shown")
    grade: str | None = Field(description="Code of the grade; null: none was given")
    reopened_at: datetime | None = Field(description="When its period was opened again, if it was")
    reopened_by: ActorOut | None = Field(description="By whom")
    reopen_reason: str | None = Field(description="Why")


class PublicationListOut(PageOut[PublicationOut]):
    """What was published of a plan, by number."""


class PointOut(_Standing):
    """One period of a series."""

    period: str = Field(description=_PERIOD)


class SeriesOut(BaseModel):
    """An indicator's values over time, by period code."""

    plan: str = Field(description="Code of the plan")
    indicator_code: str = Field(description="Code of the indicator")
    basis: _Basis = Field(description="Which values count")
    items: list[PointOut] = Field(description="The periods that have a scoreboard, by code")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ContributionOut(BaseModel):
    """A reported value that went into a score."""

    submission_id: UUID = Field(description="Id of the submission")
    revision: int = Field(description="The revision that counted")
    organization_code: str = Field(description="The unit that the value is of")
    period: str = Field(description=_PERIOD)
    value: Digits | None = Field(description="Exact")
    numerator: Digits | None = Field(description="As reported, exact")
    denominator: Digits | None = Field(description="As reported, exact")
    level: str | None = Field(description="Code of the level reported")
    not_applicable_reason: str | None = Field(description="Why there is no value")
    provisional: bool = Field(description="It may still be revised, or is still under review")
    falsified: bool = Field(description="It was found falsified")


class UnitScoreOut(_Open):
    """How a unit stands by its own target, judged by its own values; no part of the score."""

    organization_code: str = Field(description="The unit")
    name: str = Field(description="Its name")
    target: ScoredTargetOut = Field(description="Its own target that the period is measured by")
    state: _State = Field(description="As of an indicator")
    value: Digits | None = Field(description="Its own value, unrounded")
    met: bool | None = Field(description="Whether its target is met; null: nobody can say")
    attainment: Digits | None = Field(description="0–100; null: none")
    light: _Light = Field(description="Where it is heading; `grey`: nobody can say")
    reason_code: str = Field(description="Why it stands so: stable, English")
    reason: str = Field(description="The same in Chinese")
    reason_en: str = Field(description="The same in English")
    provisional: bool = Field(description="Its value may still be revised")
    falsified: bool = Field(description="Its value was found falsified")


class ScoreOut(BaseModel):
    """One score with its trace: recomputing from it gives the same digits."""

    plan: str = Field(description="Code of the plan")
    indicator_code: str = Field(description="Code of the indicator")
    period: str = Field(description=_PERIOD)
    basis: _Basis = Field(description="Which values count")
    position: int = Field(description="The log position that it was computed at; 0: never yet")
    method: MethodOut = Field(description="By which scheme")
    score: IndicatorScoreOut = Field(description="The indicator's row of the scoreboard")
    steps: list[str] = Field(description="The trace in words, in the caller's language")
    trace: dict[str, Any] = Field(
        description="Everything that the verdict was reached from, and the verdict: `operators`,"
        " `operands`, `target`, `levels`, `baseline`, `months`, `scheme`, `result`, …"
    )
    units: list[UnitScoreOut] = Field(
        description="The units within the caller's scope that have targets of their own, in the"
        " document's order"
    )
    units_outside_scope: int = Field(description="How many more units have such targets")
    submissions: list[ContributionOut] = Field(description="At most 500, within the caller's scope")
    submissions_outside_scope: int = Field(description="How many more went into it")
