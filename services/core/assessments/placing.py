"""Ranks the assessments of a sheet and period among comparable ones. Pure.

Ranks follow the rules of the rankings of units: totals are exact, equal totals share a rank, and
the ranks after it are skipped.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from services.core.assessments.judging import judged, open_items
from services.core.kit.text import Text
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.state import PlanState
from services.core.scoring.ranking import Standing, places

AssessmentBasis = Literal["published", "confirmed"]
"""What is ranked: published assessments, or all confirmed ones, published or not."""

WhyNoPlace = Literal["not_assessed", "not_confirmed", "not_published", "nothing_applies", "open"]

MOST_RANKED = 5000
"""The most assessments of a sheet and a period that are ranked."""

MOST_TRIED = 2000
"""The most assessments that a changed sheet is tried on."""

_WORDS: Mapping[WhyNoPlace, Text] = {
    "not_assessed": Text("本周期尚无评估", "It is not assessed for this period yet"),
    "not_confirmed": Text("评估尚未确认", "Its assessment is not confirmed yet"),
    "not_published": Text("评估尚未公布", "Its assessment is not published yet"),
    "nothing_applies": Text("没有适用的项", "No item of the sheet applies to it"),
    "open": Text("尚有未评的项：{items}", "Items are not assessed: {items}"),
}

_TAKES_PART: Mapping[AssessmentBasis, Collection[str]] = {
    "published": ("published",),
    "confirmed": ("published", "confirmed"),
}


@dataclass(frozen=True, slots=True)
class RankedSubject:
    """An assessed subject and its rank among comparable ones.

    `place` is None if it is not ranked; then `why` and `words` give the reason. `ranked` is how
    many of its comparable group are ranked, `tied` how many share its rank.
    """

    assessment_id: UUID | None
    subject_kind: str
    subject_key: str
    subject_name: str
    organization_code: str
    comparable: str
    total: Decimal | None
    colour: str | None
    place: int | None = None
    tied: int = 1
    ranked: int = 0
    why: WhyNoPlace | None = None
    words: Text | None = None


def without_place(one: RankedSubject, why: WhyNoPlace, **details: str) -> RankedSubject:
    """Return a subject without a rank, with the reason."""
    return replace(one, total=None, colour=None, why=why, words=_WORDS[why].format(**details))


def ranked(
    rows: Iterable[Mapping[str, Any]],
    sheet: ScoreSheet,
    plan: PlanState,
    basis: AssessmentBasis,
) -> list[RankedSubject]:
    """Return the subjects of a sheet and a period with their ranks, best first.

    `rows` are their assessments; units that should have been assessed and were not have no rank.
    """
    found = [_standing(row, basis) for row in rows]
    assessed = {one.subject_key for one in found}
    for code in sheet.units if sheet.subject == "unit" else ():
        unit = plan.organizations.get(code)
        if code not in assessed and unit is not None:
            alone = RankedSubject(None, "unit", code, unit.name, code, unit.kind, None, None)
            found.append(without_place(alone, "not_assessed"))
    return placed(found)


def _standing(row: Mapping[str, Any], basis: AssessmentBasis) -> RankedSubject:
    same = "subject_kind subject_key subject_name organization_code comparable total colour"
    one = RankedSubject(row["id"], **{name: row[name] for name in same.split()})
    if row["state"] not in _TAKES_PART["confirmed"]:
        return without_place(one, "not_confirmed")
    if row["state"] not in _TAKES_PART[basis]:
        return without_place(one, "not_published")
    return one if one.total is not None else without_place(one, "nothing_applies")


def placed(found: Sequence[RankedSubject]) -> list[RankedSubject]:
    """Return subjects with their ranks, by comparable group; best first, unranked ones last."""
    standings = [Standing(str(at), one.comparable, one.total, 0, 0) for at, one in enumerate(found)]
    given = places(standings)
    takers = Counter(one.comparable for one in given if one.place is not None)
    return [
        replace(
            found[int(one.organization_code)],
            place=one.place,
            tied=one.tied,
            ranked=takers[one.comparable],
        )
        for one in given
    ]


@dataclass(frozen=True, slots=True)
class TriedSubject:
    """A subject by the sheet as it was judged, and by a changed one, each with its rank."""

    before: RankedSubject
    after: RankedSubject


def tried(rows: Sequence[Mapping[str, Any]], changed: ScoreSheet) -> list[TriedSubject]:
    """Return the ranking of confirmed assessments now, and by a changed sheet.

    Findings are judged by the changed sheet for the items that it still has; a subject without
    findings for a new item has no rank afterwards.
    """
    before = [_standing(row, "confirmed") for row in rows]
    after = [_after(one, row, changed) for one, row in zip(before, rows, strict=True)]
    first = {one.assessment_id: one for one in placed(before)}
    then = {one.assessment_id: one for one in placed(after)}
    return [TriedSubject(one, then[key]) for key, one in first.items()]


def _after(one: RankedSubject, row: Mapping[str, Any], changed: ScoreSheet) -> RankedSubject:
    codes = {item.code for item in changed.items}
    said = {code: each for code, each in row["findings"].items() if code in codes}
    found = judged(changed, said)
    if found.faults:
        # A finding that does not fit its item's changed rule makes that item open again.
        wrong = {fault.pointer.split("/")[2] for fault in found.faults}
        said = {code: each for code, each in said.items() if code not in wrong}
        found = judged(changed, said)
    open_ = open_items(changed, found.findings)
    if open_:
        return without_place(one, "open", items="、".join(open_))
    if found.total is None:
        return without_place(one, "nothing_applies")
    return replace(one, total=found.total, colour=found.colour, why=None, words=None)
