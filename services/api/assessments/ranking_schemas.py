"""Pydantic schemas of rankings of assessments, and the trial of a changed sheet,."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, WithJsonSchema

from services.api.assessments.schemas import colour_name, shown_total
from services.api.contract.choices import one_of
from services.api.contract.plan_document import PARTS
from services.api.exports.digits import Digits
from services.api.paging import LIMITED_TO_SCOPE
from services.core.assessments.placing import (
    AssessmentBasis,
    RankedSubject,
    TriedSubject,
    WhyNoPlace,
)
from services.core.kit.decimals import less, plain
from services.core.kit.said import CodeIn, Said
from services.core.plan.sheet_entries import AssessedKind, ScoreSheet
from services.core.plan.state import PlanState

_PERIOD = "`2025`, `2025-H1`, `2025-Q3` or `2025-09`"


class SubjectOut(BaseModel):
    """What is assessed, and with which others it is compared."""

    assessment_id: UUID | None = Field(description="Id of its assessment; null: there is none")
    subject_kind: AssessedKind = Field(description="What is assessed")
    subject_key: str = Field(
        description="Code of the unit, division code of the village, or id of the row"
    )
    subject_name: str = Field(description="Its name")
    organization_code: str = Field(description="The unit that answers for it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    comparable_group: str = Field(description="With which others it is ranked")


class RankedSubjectOut(SubjectOut):
    """What takes a place among those it can be compared with."""

    place: int = Field(description="1 is the best; equals share it, and the next is left out")
    tied: int = Field(description="How many share the place; 1: it alone")
    ranked: int = Field(description="How many of its comparable group take a place")
    total: Digits = Field(description="Exact to 20 places; places go by this")
    display: str = Field(
        description="The total for people, never in a colour that it does not reach"
    )
    colour: str | None = Field(description="Code of the colour of the total; null: none")
    colour_name: str | None = Field(description="Its name; null: the sheet has it no longer")


class UnrankedSubjectOut(SubjectOut):
    """What takes no place, and why."""

    reason_code: Annotated[str, one_of(get_args(WhyNoPlace))] = Field(description="Why")
    reason: str = Field(description="The reason, in Chinese")
    reason_en: str = Field(description="The same in English")


class AssessmentRankingOut(BaseModel):
    """The assessments of a sheet and a period, ranked within comparable groups."""

    plan: str = Field(description="Code of the plan")
    sheet_code: str = Field(description="Code of the score sheet")
    period: str = Field(description=_PERIOD)
    basis: Annotated[str, one_of(get_args(AssessmentBasis))] = Field(
        description="What takes part: what was published, or whatever was confirmed"
    )
    items: list[RankedSubjectOut] = Field(description="By comparable group, the best first")
    not_ranked: list[UnrankedSubjectOut] = Field(description="What takes no place, and why")
    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)
    next_page_token: str | None = Field(description="Always null: the list is whole")


class SheetTrialIn(Said):
    """A changed score sheet, as a plan document writes it, and what it is tried on."""

    period: CodeIn = Field(description=f"{_PERIOD}, of the sheet's cycle")
    sheet: Annotated[
        dict[str, Any], WithJsonSchema({"allOf": [{"$ref": f"{PARTS}ScoreSheet"}]})
    ] = Field(description="The whole sheet, with the code that it has")


class TriedStandingOut(BaseModel):
    """How something stands by one version of a sheet."""

    place: int | None = Field(description="Its place; null: it takes none")
    tied: int = Field(description="How many share the place; 1: it alone")
    ranked: int = Field(description="How many of its comparable group take a place")
    total: Digits | None = Field(description="Exact to 20 places; null: there is none")
    display: str | None = Field(
        description="The total for people, never in a colour that it does not reach"
    )
    colour: str | None = Field(description="Code of the colour of the total; null: none")
    reason: str | None = Field(description="Why it takes no place, in Chinese")
    reason_en: str | None = Field(description="The same in English")


class TriedSubjectOut(SubjectOut):
    """Something by the sheet that it was judged by, and by the changed one."""

    before: TriedStandingOut = Field(description="By the sheet that it was judged by")
    after: TriedStandingOut = Field(description="By the changed sheet, on what was found")
    difference: Digits | None = Field(description="The total after less that before; null: none")


class SheetTrialOut(BaseModel):
    """What a changed sheet would give, beside what was given."""

    examined: int = Field(description="How many confirmed assessments it was tried on")
    moved: int = Field(description="How many of them have another place or total after")
    items: list[TriedSubjectOut] = Field(
        description="Each of them, by comparable group and the places before"
    )


def subject_fields(one: RankedSubject, plan: PlanState) -> dict[str, Any]:
    """Return a subject as `SubjectOut` has it."""
    same = "assessment_id subject_kind subject_key subject_name organization_code"
    return {
        **{name: getattr(one, name) for name in same.split()},
        "organization_name": plan.organization_name(one.organization_code),
        "comparable_group": one.comparable,
    }


def ranking_fields(
    seen: Sequence[RankedSubject], plan: PlanState, sheet: ScoreSheet
) -> dict[str, Any]:
    """Return the ranked subjects, and the unranked ones with the reason."""
    return {
        "items": [
            {
                **subject_fields(one, plan),
                "place": one.place,
                "tied": one.tied,
                "ranked": one.ranked,
                "total": _plain(one.total),
                "display": shown_total(one.total, sheet),
                "colour": one.colour,
                "colour_name": colour_name(one.colour, sheet),
            }
            for one in seen
            if one.place is not None
        ],
        "not_ranked": [
            {
                **subject_fields(one, plan),
                "reason_code": one.why,
                "reason": one.words.zh,
                "reason_en": one.words.en,
            }
            for one in seen
            if one.words is not None
        ],
    }


def tried_fields(
    one: TriedSubject, plan: PlanState, before: ScoreSheet, after: ScoreSheet
) -> dict[str, Any]:
    """Return a subject as `TriedSubjectOut` has it."""
    was, is_ = one.before.total, one.after.total
    return {
        **subject_fields(one.before, plan),
        "before": _standing_fields(one.before, before),
        "after": _standing_fields(one.after, after),
        "difference": None if was is None or is_ is None else plain(less(is_, was)),
    }


def _standing_fields(one: RankedSubject, sheet: ScoreSheet) -> dict[str, Any]:
    return {
        "place": one.place,
        "tied": one.tied,
        "ranked": one.ranked,
        "total": _plain(one.total),
        "display": shown_total(one.total, sheet),
        "colour": one.colour,
        "reason": None if one.words is None else one.words.zh,
        "reason_en": None if one.words is None else one.words.en,
    }


def _plain(total: Decimal | None) -> str | None:
    return None if total is None else plain(total)
