"""Validates a plan's scoring method. Pure."""

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument


def check_scheme(document: PlanDocument, grades: Codes, indicators: Codes, faults: Faults) -> None:
    """Add the faults of the scheme: of its gate, its lights and its adjustments."""
    scheme = document.scheme
    faults.add_outside("/scheme/floor", scheme.floor, 0, 100)
    _check_gate(document, grades, faults)
    lights = scheme.lights
    if lights.yellow_pace > lights.green_pace:
        place, green = "/scheme/lights/yellow_pace", "/scheme/lights/green_pace"
        faults.add("lights-order", place, plain(lights.yellow_pace), [green])
    _check_adjustments(document, indicators, faults)


def _check_gate(document: PlanDocument, grades: Codes, faults: Faults) -> None:
    gate = document.scheme.gate
    faults.add_outside("/scheme/gate/minimum_coverage", gate.minimum_coverage, 0, 1)
    faults.add_unknown("/scheme/gate/mandatory_not_met_cap", gate.mandatory_not_met_cap, grades)
    faults.add_unknown("/scheme/gate/falsified_grade", gate.falsified_grade, grades)
    for index, grade in enumerate(gate.grades):
        place = f"/scheme/gate/grades/{index}/minimum"
        faults.add_outside(place, grade.minimum, 0, 100)
        if index and grade.minimum >= gate.grades[index - 1].minimum:
            before = f"/scheme/gate/grades/{index - 1}/minimum"
            faults.add("grades-not-descending", place, plain(grade.minimum), [before])
    if gate.grades[-1].minimum != 0:
        place = f"/scheme/gate/grades/{len(gate.grades) - 1}/minimum"
        faults.add("last-grade-not-zero", place, plain(gate.grades[-1].minimum))


def _check_adjustments(document: PlanDocument, indicators: Codes, faults: Faults) -> None:
    scheme = document.scheme
    by_level = {entry.code for entry in document.indicators if entry.levels}
    for index, entry in enumerate(scheme.adjustments):
        place = f"/scheme/adjustments/{index}"
        faults.add_unknown(f"{place}/indicator", entry.indicator, indicators)
        if entry.indicator in by_level:
            faults.add("adjustment-by-level", f"{place}/indicator", entry.indicator)
        faults.add_outside(f"{place}/points", entry.points, 0, 100)
        faults.add_outside(f"{place}/cap", entry.cap, 0, 100)
    faults.add_repeats(
        "duplicate-code",
        [
            (f"/scheme/adjustments/{index}/code", entry.code)
            for index, entry in enumerate(scheme.adjustments)
        ],
    )
    if scheme.bonus_cap is not None:
        faults.add_outside("/scheme/bonus_cap", scheme.bonus_cap, 0, 100)
