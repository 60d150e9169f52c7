"""Pydantic schemas of the evidence list for commendations."""

from datetime import date, datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.paging import LIMITED_TO_SCOPE
from services.core.assessments.commendation.queries import MOST_TOLD
from services.core.assessments.commendation.rules import CommendedUnit, Exclusion, WhyExcluded
from services.core.kit.decimals import plain
from services.core.plan.scheme import RankingForm
from services.core.plan.state import PlanState
from services.core.scoring.ranking import RankedUnits, shown


class ExclusionEvidenceOut(BaseModel):
    """Something that speaks against a unit; which ids it has hangs on the reason."""

    indicator_code: str | None = Field(description="Code of the indicator; null: it is about none")
    measure_code: str | None = Field(description="Code of the measure; null: it is about none")
    submission_id: UUID | None = Field(description="The reported value that was found false")
    milestone_id: UUID | None = Field(description="The milestone that is overdue")
    obligation_id: UUID | None = Field(description="The value that is due and was not reported")
    period: str | None = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    due_date: date | None = Field(description="Until when it was due")
    title: str | None = Field(description="What the indicator or the milestone is called")
    detail: str | None = Field(description="Why, in Chinese or as was said; null: nothing was")
    detail_en: str | None = Field(description="The same in English, where it is ours")


class ExclusionOut(BaseModel):
    """Why a unit is not to be commended, and what shows it."""

    reason_code: Annotated[str, one_of(get_args(WhyExcluded))] = Field(description="Why")
    reason: str = Field(description="The reason, in Chinese")
    reason_en: str = Field(description="The same in English")
    count: int = Field(description="How many such there are")
    evidence: list[ExclusionEvidenceOut] = Field(description=f"They, the first {MOST_TOLD} of them")


class CommendedUnitOut(BaseModel):
    """A unit as it ranks, and what speaks against commending it."""

    organization_code: str = Field(description="Code of the unit")
    organization_name: str = Field(description="Its name")
    comparable_group: str = Field(
        description="Whom it is compared with: `lead`, or townships of its kind (`town`, …)"
    )
    place: int | None = Field(
        description="1 is the best; equals share it, and the next is left out. Null: it takes none,"
        " or the plan shows tiers alone"
    )
    score: Digits | None = Field(description="0–100, exact to 20 places; null: as of its place")
    display: str | None = Field(description="The score for people; null: as of its place")
    not_ranked_reason: str | None = Field(description="Why it takes no place, in Chinese")
    not_ranked_reason_en: str | None = Field(description="The same in English")
    eligible: bool = Field(description="Whether it takes a place and nothing speaks against it")
    exclusions: list[ExclusionOut] = Field(description="What speaks against it; empty: nothing")


class UnitCommendationsOut(BaseModel):
    """Units as they rank, with what speaks against commending each, and its evidence."""

    plan: str = Field(description="Code of the plan")
    group: Annotated[str, one_of(get_args(RankedUnits))] = Field(
        description="Units that lead indicators, or township-level bodies"
    )
    shown: Annotated[str, one_of(get_args(RankingForm))] = Field(
        description="`order`: every place; `tiers`: the plan shows tiers alone"
    )
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    as_of: datetime | None = Field(
        description="The instant of the scoreboard; null: none was drawn yet"
    )
    position: int = Field(description="Up to where of the city's log the scoreboard counts")
    overdue_on: date = Field(description="The local day by which things are overdue")
    items: list[CommendedUnitOut] = Field(description="By comparable group, the best first")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)
    next_page_token: str | None = Field(description="Always null: the list is whole")


def commended_fields(one: CommendedUnit, plan: PlanState) -> dict[str, Any]:
    """Return a unit as `CommendedUnitOut` has it."""
    standing = one.standing
    tiers = plan.document.scheme.rankings.shown == "tiers"
    score, words = None if tiers else standing.score, standing.words
    return {
        "organization_code": standing.organization_code,
        "organization_name": plan.organization_name(standing.organization_code),
        "comparable_group": standing.comparable,
        "place": None if tiers else standing.place,
        "score": None if score is None else plain(score),
        "display": None if score is None else shown(score, plan.document),
        "not_ranked_reason": None if words is None else words.zh,
        "not_ranked_reason_en": None if words is None else words.en,
        "eligible": standing.place is not None and not one.exclusions,
        "exclusions": [_exclusion_fields(each) for each in one.exclusions],
    }


def _exclusion_fields(one: Exclusion) -> dict[str, Any]:
    names = ExclusionEvidenceOut.model_fields
    return {
        "reason_code": one.why,
        "reason": one.words.zh,
        "reason_en": one.words.en,
        "count": one.count,
        "evidence": [{name: getattr(each, name) for name in names} for each in one.evidence],
    }
