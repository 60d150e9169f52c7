"""Pydantic schemas of rankings of units."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.paging import LIMITED_TO_SCOPE
from services.api.scoring.schemas import MethodOut
from services.core.kit.decimals import plain, plain_or_none
from services.core.obligations.quality.queries import ReportingQuality
from services.core.plan.scheme import RankingForm
from services.core.plan.state import PlanState
from services.core.scoring.gate import grade_by_score
from services.core.scoring.ranking import RankedUnits, Standing, WhyUnranked, shown

_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"


class RankedOut(BaseModel):
    """A unit that takes a place among those it can be compared with."""

    organization_code: str = Field(description="Code of the unit")
    organization_name: str = Field(description="Its name")
    comparable_group: str = Field(
        description="Whom it is compared with: `lead`, or townships of its kind (`town`, …)"
    )
    place: int | None = Field(
        description="1 is the best; equals share it, and the next is left out. Null: the plan shows"
        " tiers alone"
    )
    tied: int | None = Field(
        description="How many units share the place; 1: it alone. Null: tiers alone are shown"
    )
    ranked: int = Field(description="How many units of its comparable group take a place")
    score: Digits | None = Field(
        description="0–100, exact to 20 places; places go by this. Null: the plan shows tiers alone"
    )
    display: str | None = Field(description="The score for people; null: tiers alone are shown")
    tier: str | None = Field(description="Code of the grade that the score reaches by itself")
    tier_name: str | None = Field(description="Its name")
    few: bool = Field(
        description="Whether it rests upon fewer indicators, or values, than the plan's"
        " `scheme.rankings.few`"
    )


class RankedByScoreOut(RankedOut):
    """A unit by the score of the indicators it answers for."""

    indicators: int = Field(description="How many indicators it answers for")
    assessed: int = Field(description="How many of them the score rests upon")
    coverage: Digits = Field(description="Their weight ÷ the weight of all that apply, 0–1")


class RankedByReportingOut(RankedOut):
    """A unit by the quality of its reporting."""

    expected: int = Field(description="Values of it that are due, or came before they were")
    reported: int = Field(description="How many of them were handed in")
    on_time: int = Field(description="How many by 24:00 of their due date")
    not_returned: int = Field(description="How many were handed in and never returned")
    without_conflict: int = Field(
        description="How many were handed in and never in conflict with a device or another source"
    )


class UnrankedOut(BaseModel):
    """A unit that takes no place, and why."""

    organization_code: str = Field(description="Code of the unit")
    organization_name: str = Field(description="Its name")
    comparable_group: str = Field(description="Whom it would be compared with")
    reason_code: Annotated[str, one_of(get_args(WhyUnranked))] = Field(description="Why")
    reason: str = Field(description="The reason, in Chinese")
    reason_en: str = Field(description="The same in English")


class _RankingsOut(BaseModel):
    plan: str = Field(description="Code of the plan")
    group: Annotated[str, one_of(get_args(RankedUnits))] = Field(
        description="Units that lead indicators, or township-level bodies"
    )
    shown: Annotated[str, one_of(get_args(RankingForm))] = Field(
        description="`order`: every place; `tiers`: the plan shows tiers alone"
    )


class _ListedOut(_RankingsOut):
    not_ranked: list[UnrankedOut] = Field(description="Who takes no place, and why")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)
    next_page_token: str | None = Field(description="Always null: the list is whole")


class RankingsOut(_ListedOut):
    """Units ranked by the score of what they answer for."""

    period: str = Field(description=_PERIOD)
    basis: Annotated[str, one_of(["approved", "submitted"])] = Field(
        description="What the scoreboard counts"
    )
    as_of: datetime | None = Field(
        description="The instant that was asked for, or of the scoreboard; null: none was drawn yet"
    )
    position: int = Field(description="Up to where of the city's log it counts")
    publication_number: int | None = Field(
        description="Under which the scoreboard was published; null: it is none of those"
    )
    method: MethodOut = Field(description="By which the scoreboard was computed")
    items: list[RankedByScoreOut] = Field(
        description="By comparable group, the best first; of tiers in the plan's order"
    )


class ReportingRankingsOut(_ListedOut):
    """Units ranked by the quality of their reporting."""

    period: str | None = Field(description=f"{_PERIOD}; null: every period ever opened")
    items: list[RankedByReportingOut] = Field(
        description="By comparable group, the best first; of tiers in the plan's order"
    )


def ranked_fields(
    standings: Sequence[Standing], seen: Sequence[Standing], plan: PlanState
) -> list[tuple[Standing, dict[str, Any]]]:
    """Return the ranked units among `seen`, each with the members of `RankedOut`."""
    rankings = plan.document.scheme.rankings
    ranked = Counter(one.comparable for one in standings if one.place is not None)
    placed = [one for one in seen if one.place is not None]
    tiers = rankings.shown == "tiers"
    if tiers:
        placed = _in_tiers(placed, plan)
    return [
        (
            one,
            {
                **_named(one, plan),
                "place": None if tiers else one.place,
                "tied": None if tiers else one.tied,
                "ranked": ranked[one.comparable],
                **_score(one, plan, tiers=tiers),
                "few": one.counted < rankings.few,
            },
        )
        for one in placed
    ]


def score_fields(one: Standing) -> dict[str, Any]:
    """Return the members that `RankedByScoreOut` adds to every ranked unit."""
    return {"indicators": one.of, "assessed": one.counted, "coverage": plain_or_none(one.coverage)}


def unranked_fields(seen: Sequence[Standing], plan: PlanState) -> list[dict[str, Any]]:
    """Return the unranked units, as `UnrankedOut` has them."""
    return [
        {
            **_named(one, plan),
            "reason_code": one.why,
            "reason": one.words.zh,
            "reason_en": one.words.en,
        }
        for one in seen
        if one.words is not None
    ]


def quality_fields(one: ReportingQuality) -> dict[str, int]:
    """Return the members that `RankedByReportingOut` adds to every ranked unit."""
    return {
        name: getattr(one, name)
        for name in ("expected", "reported", "on_time", "not_returned", "without_conflict")
    }


def _in_tiers(placed: Sequence[Standing], plan: PlanState) -> list[Standing]:
    """Return standings by tier, within a tier in the plan's order, showing no rank."""
    gate, units = plan.document.scheme.gate, list(plan.organizations)
    groups = list(dict.fromkeys(one.comparable for one in placed))

    def turn(one: Standing) -> tuple[int, int, int]:
        tier = grade_by_score(one.score, gate)
        below = len(gate.grades) if tier is None else gate.grades.index(tier)
        return groups.index(one.comparable), below, units.index(one.organization_code)

    return sorted(placed, key=turn)


def _score(one: Standing, plan: PlanState, *, tiers: bool) -> dict[str, Any]:
    assert one.score is not None  # noqa: S101 (who takes a place has one)
    tier = grade_by_score(one.score, plan.document.scheme.gate)
    return {
        "score": None if tiers else plain(one.score),
        "display": None if tiers else shown(one.score, plan.document),
        "tier": None if tier is None else tier.code,
        "tier_name": None if tier is None else tier.name,
    }


def _named(one: Standing, plan: PlanState) -> dict[str, Any]:
    return {
        "organization_code": one.organization_code,
        "organization_name": plan.organization_name(one.organization_code),
        "comparable_group": one.comparable,
    }
