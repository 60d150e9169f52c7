"""Candidates for a commendation: units by rank, with the objections to each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal
from uuid import UUID

from services.core.assessments.commendation.queries import MOST_TOLD, AgainstCommending
from services.core.kit.text import Text
from services.core.plan.document import PlanDocument
from services.core.plan.leads import each_of, leads_of
from services.core.plan.members import Frequency
from services.core.plan.periods import Period
from services.core.scoring.ranking import RankedUnits, Standing

_FINER: tuple[Frequency, ...] = ("half_yearly", "quarterly", "monthly")

WhyExcluded = Literal["red_light", "falsified_data", "overdue_milestone", "overdue_report"]

_WORDS: Mapping[WhyExcluded, Text] = {
    "red_light": Text("有 {count} 项指标亮红灯", "Indicators with a red light: {count}"),
    "falsified_data": Text(
        "有 {count} 次填报被认定数据不实", "Reported values that were found false: {count}"
    ),
    "overdue_milestone": Text(
        "有 {count} 个里程碑逾期未办结", "Milestones that are overdue: {count}"
    ),
    "overdue_report": Text(
        "有 {count} 项应报数据逾期未报", "Values that are due and were not reported: {count}"
    ),
}


@dataclass(frozen=True, slots=True)
class ExclusionEvidence:
    """Evidence that excludes a unit; the reason determines which ids it has."""

    indicator_code: str | None = None
    measure_code: str | None = None
    submission_id: UUID | None = None
    milestone_id: UUID | None = None
    obligation_id: UUID | None = None
    period: str | None = None
    due_date: date | None = None
    title: str | None = None
    detail: str | None = None
    detail_en: str | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a unit is excluded from commendation, how often, and the first pieces of evidence."""

    why: WhyExcluded
    count: int
    words: Text
    evidence: tuple[ExclusionEvidence, ...]


@dataclass(frozen=True, slots=True)
class CommendedUnit:
    """A unit's standing, and its exclusions; without any it may be proposed."""

    standing: Standing
    exclusions: tuple[Exclusion, ...] = field(default=())


def periods_within(period: Period) -> list[str]:
    """Return the codes of a period and of all finer periods in it."""
    finer = [one.code for frequency in _FINER for one in period.children(frequency)]
    return [period.code, *finer]


def in_plan_order(standings: Sequence[Standing], document: PlanDocument) -> list[Standing]:
    """Return standings in the plan's order of units, which reveals no ranking."""
    order = {one.code: at for at, one in enumerate(document.organizations)}
    return sorted(standings, key=lambda one: order[one.organization_code])


def commended(
    standings: Iterable[Standing],
    red: Mapping[str, Sequence[ExclusionEvidence]],
    against: Iterable[AgainstCommending],
) -> list[CommendedUnit]:
    """Return units in the order of their ranking, each with all its exclusions."""
    by_unit: dict[str, dict[WhyExcluded, list[AgainstCommending]]] = {}
    for one in against:
        by_unit.setdefault(one.unit, {}).setdefault(one.kind, []).append(one)
    found = []
    for standing in standings:
        code = standing.organization_code
        lights = red.get(code, ())
        first = [_exclusion("red_light", len(lights), lights[:MOST_TOLD])] if lights else []
        others = [
            _exclusion(why, things[0].of_kind, [_evidence(one) for one in things])
            for why, things in by_unit.get(code, {}).items()
        ]
        found.append(CommendedUnit(standing, (*first, *others)))
    return found


def _exclusion(why: WhyExcluded, count: int, evidence: Sequence[ExclusionEvidence]) -> Exclusion:
    return Exclusion(why, count, _WORDS[why].format(count=str(count)), tuple(evidence))


def _evidence(one: AgainstCommending) -> ExclusionEvidence:
    return ExclusionEvidence(
        indicator_code=one.indicator,
        measure_code=one.measure,
        submission_id=one.thing if one.kind == "falsified_data" else None,
        milestone_id=one.thing if one.kind == "overdue_milestone" else None,
        obligation_id=one.thing if one.kind == "overdue_report" else None,
        period=one.period,
        due_date=one.due_date,
        title=one.title,
        detail=one.said,
        detail_en=one.said,
    )


def red_lights(
    document: PlanDocument,
    group: RankedUnits,
    rows: Sequence[Mapping[str, Any]],
    traces: Mapping[str, Mapping[str, Any]],
) -> dict[str, list[ExclusionEvidence]]:
    """Return each unit's red lights, by the same attribution of indicators as in the rankings.

    A lead answers for the city's light of the indicators it leads, a township for its own light.
    """
    found: dict[str, list[ExclusionEvidence]] = {}
    for row, unit, light in _lights(document, group, rows, traces):
        if light["light"] == "red":
            evidence = ExclusionEvidence(
                indicator_code=row["code"],
                title=row["name"],
                detail=light["reason"],
                detail_en=light["reason_en"],
            )
            found.setdefault(unit, []).append(evidence)
    return found


def _lights(
    document: PlanDocument,
    group: RankedUnits,
    rows: Sequence[Mapping[str, Any]],
    traces: Mapping[str, Mapping[str, Any]],
) -> Iterable[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    if group == "township":
        for row in rows:
            for each in traces.get(row["code"], {}).get("units", ()):
                yield row, each["organization_code"], each
        return
    units = {one.code: one for one in document.organizations}
    leads = {one.code: each_of(leads_of(one), units) for one in document.indicators}
    for row in rows:
        for unit in leads.get(row["code"], ()):
            yield row, unit, row
