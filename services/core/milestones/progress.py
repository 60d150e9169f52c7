"""Progress of tasks and units: milestones summed by weight, and the lights of indicators. Pure.

A light is the worst of the milestones' and the linked indicators' lights; grey only if all of them
are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.core.milestones.queries import MeasureTally, Sum
from services.core.milestones.rules import merged
from services.core.plan.document import Measure, PlanDocument, Task
from services.core.plan.leads import leading
from services.core.scoring.lights import Light

IndicatorLights = Mapping[str, str]
"""The light of each indicator, by code, as the newest scoreboard shows it."""

ProgressReason = tuple[str, Mapping[str, str]]
"""The code of a reason and the values for its placeholders."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of something: the sum of its milestones, its light, and the reasons."""

    sum: Sum
    light: Light
    reasons: Sequence[ProgressReason]
    indicators: Sequence[str]


@dataclass(frozen=True, slots=True)
class MeasureProgress:
    """The progress of one measure."""

    measure: Measure
    progress: Progress


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """The progress of a task, with its measures."""

    task: Task
    progress: Progress
    measures: Sequence[MeasureProgress]


@dataclass(frozen=True, slots=True)
class UnitProgress:
    """The progress of a unit, with the measures that it leads or shares."""

    organization_code: str
    progress: Progress
    measures: Sequence[MeasureProgress]


def of_tasks(
    tasks: Iterable[Task], tallies: Sequence[MeasureTally], lights: IndicatorLights
) -> list[TaskProgress]:
    """Return the progress of tasks, in their order."""
    found = []
    for task in tasks:
        codes = {measure.code for measure in task.measures}
        mine = [one for one in tallies if one.measure_code in codes]
        found.append(
            TaskProgress(
                task,
                _progress(mine, linked(task.measures), lights),
                _of_measures(task.measures, mine, lights),
            )
        )
    return found


def of_leads(
    document: PlanDocument, tallies: Sequence[MeasureTally], lights: IndicatorLights
) -> list[UnitProgress]:
    """Return the progress of the measures that each unit leads, whoever works on them."""
    units = {entry.code: entry for entry in document.organizations}
    leads = {one.code: leading(one, units) for one in _measures(document)}
    found = []
    for unit in document.organizations:
        led = [one for one in _measures(document) if unit.code in leads[one.code]]
        if led:
            codes = {measure.code for measure in led}
            mine = [one for one in tallies if one.measure_code in codes]
            found.append(
                UnitProgress(
                    unit.code,
                    _progress(mine, linked(led), lights),
                    _of_measures(led, mine, lights),
                )
            )
    return found


def of_townships(document: PlanDocument, tallies: Sequence[MeasureTally]) -> list[UnitProgress]:
    """Return the progress of each township-level body with its own promises.

    These are the units with an administrative code. Indicators belong to the city and do not count
    for a single township.
    """
    found = []
    for unit in document.organizations:
        if unit.administrative_code is not None:
            mine = [one for one in tallies if one.organization_code == unit.code]
            codes = {one.measure_code for one in mine}
            shared = [one for one in _measures(document) if one.code in codes]
            found.append(
                UnitProgress(unit.code, _progress(mine, (), {}), _of_measures(shared, mine, None))
            )
    return found


def _measures(document: PlanDocument) -> list[Measure]:
    return [measure for task in document.tasks for measure in task.measures]


def _of_measures(
    measures: Iterable[Measure], tallies: Sequence[MeasureTally], lights: IndicatorLights | None
) -> list[MeasureProgress]:
    """Return the progress of measures; `lights` None: by their milestones alone."""
    return [
        MeasureProgress(
            measure,
            _progress(
                [one for one in tallies if one.measure_code == measure.code],
                () if lights is None else linked([measure]),
                lights or {},
            ),
        )
        for measure in measures
    ]


def linked(measures: Iterable[Measure]) -> list[str]:
    """Return the indicators linked with measures, without duplicates, in order."""
    codes = [
        code
        for measure in measures
        for code in (
            *measure.related_indicators,
            *(target.indicator for target in measure.targets),
        )
        if code is not None
    ]
    return list(dict.fromkeys(codes))


def _progress(
    tallies: Sequence[MeasureTally], indicators: Sequence[str], lights: IndicatorLights
) -> Progress:
    found = _summed(tallies)
    light, reasons = _light(found, indicators, lights)
    return Progress(found, light, reasons, indicators)


def _summed(tallies: Sequence[MeasureTally]) -> Sum:
    due = [one.next_due for one in tallies if one.next_due is not None]
    return Sum(
        share=merged([one.share for one in tallies]),
        number=sum(one.number for one in tallies),
        closed=sum(one.closed for one in tallies),
        overdue=sum(one.overdue for one in tallies),
        red=sum(one.red for one in tallies),
        yellow=sum(one.yellow for one in tallies),
        green=sum(one.green for one in tallies),
        next_due=min(due, default=None),
    )


def _light(
    found: Sum, indicators: Sequence[str], lights: IndicatorLights
) -> tuple[Light, list[ProgressReason]]:
    for light, number in (("red", found.red), ("yellow", found.yellow)):
        codes = [code for code in indicators if lights.get(code) == light]
        reasons: list[ProgressReason] = []
        if number:
            details = {light: str(number), "overdue": str(found.overdue)}
            reasons.append((f"milestones_{light}", details))
        if codes:
            reasons.append((f"indicators_{light}", {"codes": "、".join(codes)}))
        if reasons:
            return light, reasons  # type: ignore[return-value] # one of the two above
    if found.green or any(lights.get(code) == "green" for code in indicators):
        return "green", [("all_green", {})]
    return "grey", [("nothing_to_judge", {})]
