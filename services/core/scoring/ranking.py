"""Ranks units within comparable groups, by the scores of the indicators they answer for. Pure.

A unit's score is computed like a group's on the scoreboard (`rollup`), over its own indicators.
A unit that cannot be compared gets no rank, and a reason why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from services.core.kit.decimals import display, display_bound, quotient
from services.core.kit.text import Text
from services.core.obligations.quality.queries import ReportingQuality
from services.core.plan.document import OrganizationEntry, PlanDocument
from services.core.plan.leads import each_of, leads_of
from services.core.scoring.judgement import ASSESSED
from services.core.scoring.rollup import Part, roll_up
from services.core.scoring.traces import number_of

RankedUnits = Literal["lead", "township"]
"""Units that lead indicators, or township-level bodies: those with an administrative code."""

WhyUnranked = Literal[
    "data_falsified",
    "no_own_targets",
    "not_applicable",
    "without_weight",
    "nothing_assessed",
    "coverage_too_low",
    "nothing_expected",
]

_WORDS: Mapping[WhyUnranked, Text] = {
    "data_falsified": Text(
        "所负责的指标有数据被认定为虚假", "Data of an indicator of it were found falsified"
    ),
    "no_own_targets": Text(
        "计划没有给该单位单独的目标值，无从比较", "The plan gives this unit no targets of its own"
    ),
    "not_applicable": Text("所负责的指标均不适用", "None of its indicators applies"),
    "without_weight": Text("所负责的指标均无权重", "None of its indicators has weight"),
    "nothing_assessed": Text(
        "所负责的指标目前均无法评价", "None of its indicators can be assessed yet"
    ),
    "coverage_too_low": Text(
        "可评价的权重比例 {coverage}，低于计划规定的 {minimum}",
        "What can be assessed is {coverage} of its weight, below the plan's {minimum}",
    ),
    "nothing_expected": Text("该期间尚无到期应报的数据", "Nothing is due of it in this period yet"),
}


_WHY: Mapping[str, WhyUnranked] = {
    "group_not_applicable": "not_applicable",
    "group_without_weight": "without_weight",
    "group_not_assessable": "nothing_assessed",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit's result within its comparable group.

    `score` is 0 to 100, None if the unit is not ranked; then `why` is the reason. `of` is the
    number of indicators, or expected values, that the score is about, and `counted` how many of
    them it is based on. `place` counts from 1; equal units share it, and the next place is skipped.
    """

    organization_code: str
    comparable: str
    score: Decimal | None
    of: int
    counted: int
    coverage: Decimal | None = None
    why: WhyUnranked | None = None
    words: Text | None = None
    place: int | None = None
    tied: int = 1


def unranked(standing: Standing, why: WhyUnranked, **details: str) -> Standing:
    """Return the standing without a rank, and with the reason."""
    return replace(standing, score=None, why=why, words=_WORDS[why].format(**details))


def places(standings: Iterable[Standing]) -> list[Standing]:
    """Rank standings within comparable groups; the best first, the unranked last.

    A place is one more than the number of better units. Exact scores are compared, not the
    displayed ones. Equal units keep their order.
    """
    found = list(standings)
    groups = {
        code: number for number, code in enumerate(dict.fromkeys(o.comparable for o in found))
    }
    scores: dict[str, Counter[Decimal]] = {code: Counter() for code in groups}
    for one in found:
        if one.score is not None:
            scores[one.comparable][one.score] += 1
    first: dict[tuple[str, Decimal], int] = {}
    for code, counted in scores.items():
        place = 1
        for score in sorted(counted, reverse=True):
            first[code, score] = place
            place += counted[score]
    placed = [
        one
        if one.score is None
        else replace(
            one,
            place=first[one.comparable, one.score],
            tied=scores[one.comparable][one.score],
        )
        for one in found
    ]
    return sorted(
        placed, key=lambda one: (groups[one.comparable], one.place is None, one.place or 0)
    )


def townships(document: PlanDocument) -> list[OrganizationEntry]:
    """Return the township-level bodies of a plan in its order; those of one kind are comparable."""
    return [one for one in document.organizations if one.administrative_code is not None]


def of_leads(document: PlanDocument, rows: Sequence[Mapping[str, Any]]) -> list[Standing]:
    """Return the standings of units that lead indicators, from the rows of a scoreboard.

    A collective name stands for its members. All leads are comparable with one another.
    """
    units = {one.code: one for one in document.organizations}
    leads = {one.code: each_of(leads_of(one), units) for one in document.indicators}
    found = []
    for unit in document.organizations:
        led = [row for row in rows if unit.code in leads.get(row["code"], ())]
        if led:
            found.append(_standing(document, unit.code, "lead", led))
    return found


def of_townships(
    document: PlanDocument,
    rows: Sequence[Mapping[str, Any]],
    traces: Mapping[str, Mapping[str, Any]],
) -> list[Standing]:
    """Return the standings of township-level bodies by their own targets.

    Bodies of one kind are comparable. `traces` have, by indicator, the result of each unit with a
    target of its own (`unit_targets`).
    """
    found = []
    for unit in townships(document):
        own = [
            {**row, **each}
            for row in rows
            for each in traces.get(row["code"], {}).get("units", ())
            if each["organization_code"] == unit.code
        ]
        if own:
            found.append(_standing(document, unit.code, unit.kind, own))
        else:
            alone = Standing(unit.code, unit.kind, None, 0, 0)
            found.append(unranked(alone, "no_own_targets"))
    return _by_kind(document, found)


def of_reporting(
    document: PlanDocument, group: RankedUnits, quality: Mapping[str, ReportingQuality]
) -> list[Standing]:
    """Return the standings of units by the quality of their reporting.

    Each value that is due, or came before that, has one point each for being reported, in time,
    never returned, and without conflicts. The score is points ÷ (4 × expected) in percent.
    """
    if group == "township":
        units = [(one.code, one.kind) for one in townships(document)]
    else:
        named = {one.code: one for one in document.organizations}
        lead = {code for one in document.indicators for code in each_of(leads_of(one), named)}
        units = [(one.code, "lead") for one in document.organizations if one.code in lead]
    found = []
    for code, comparable in units:
        counted = quality.get(code)
        if counted is None:
            alone = Standing(code, comparable, None, 0, 0)
            found.append(unranked(alone, "nothing_expected"))
            continue
        score = quotient(Decimal(100 * counted.points), Decimal(4 * counted.expected))
        found.append(Standing(code, comparable, score, counted.expected, counted.reported))
    return _by_kind(document, found) if group == "township" else found


def shown(score: Decimal, document: PlanDocument) -> str:
    """Round a score for display, but never into a tier that it does not reach."""
    bands = [band.minimum for band in document.scheme.gate.grades]
    return display(score, document.scheme.display_places, least=bands)


def _by_kind(document: PlanDocument, standings: Iterable[Standing]) -> list[Standing]:
    """Group standings by kind; kinds and units keep the plan's order."""
    kinds = list(dict.fromkeys(one.kind for one in document.organizations))
    return sorted(standings, key=lambda one: kinds.index(one.comparable))


def _standing(
    document: PlanDocument, unit: str, comparable: str, rows: Sequence[Mapping[str, Any]]
) -> Standing:
    scheme = document.scheme
    parts = [
        Part(unit, row["state"], Decimal(row["weight"]), number_of(row["attainment"]))
        for row in rows
    ]
    total = roll_up({unit: None}, parts, scheme.not_applicable)
    assessed = sum(row["state"] in ASSESSED for row in rows)
    found = Standing(unit, comparable, total.score, len(rows), assessed, total.coverage)
    if any(row["falsified"] for row in rows):
        return unranked(found, "data_falsified")
    (reached,) = total.groups
    if reached.reason is not None:
        return unranked(found, _WHY[reached.reason])
    minimum = scheme.gate.minimum_coverage
    if total.coverage is not None and total.coverage < minimum:
        return unranked(
            found,
            "coverage_too_low",
            coverage=display(total.coverage, most=(minimum,), least=(minimum,)),
            minimum=display_bound(minimum),
        )
    return found
