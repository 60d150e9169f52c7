"""What must hold within a plan's scoring method. Pure."""

from services.core.kit.decimals import plain
from services.core.plan.document import PlanDocument
from services.core.plan.findings import Codes, Findings


def check_scheme(
    document: PlanDocument, grades: Codes, indicators: Codes, findings: Findings
) -> None:
    """Add the faults of the scheme: of its gate, its lights and its adjustments."""
    scheme = document.scheme
    findings.add_outside("/scheme/floor", scheme.floor, 0, 100)
    _check_gate(document, grades, findings)
    lights = scheme.lights
    if lights.yellow_pace > lights.green_pace:
        place, green = "/scheme/lights/yellow_pace", "/scheme/lights/green_pace"
        findings.add("lights-order", place, plain(lights.yellow_pace), [green])
    _check_adjustments(document, indicators, findings)


def _check_gate(document: PlanDocument, grades: Codes, findings: Findings) -> None:
    gate = document.scheme.gate
    findings.add_outside("/scheme/gate/minimum_coverage", gate.minimum_coverage, 0, 1)
    findings.add_unknown("/scheme/gate/mandatory_not_met_cap", gate.mandatory_not_met_cap, grades)
    findings.add_unknown("/scheme/gate/falsified_grade", gate.falsified_grade, grades)
    for index, grade in enumerate(gate.grades):
        place = f"/scheme/gate/grades/{index}/minimum"
        findings.add_outside(place, grade.minimum, 0, 100)
        if index and grade.minimum >= gate.grades[index - 1].minimum:
            before = f"/scheme/gate/grades/{index - 1}/minimum"
            findings.add("grades-not-descending", place, plain(grade.minimum), [before])
    if gate.grades[-1].minimum != 0:
        place = f"/scheme/gate/grades/{len(gate.grades) - 1}/minimum"
        findings.add("last-grade-not-zero", place, plain(gate.grades[-1].minimum))


def _check_adjustments(document: PlanDocument, indicators: Codes, findings: Findings) -> None:
    scheme = document.scheme
    by_level = {entry.code for entry in document.indicators if entry.levels}
    for index, entry in enumerate(scheme.adjustments):
        place = f"/scheme/adjustments/{index}"
        findings.add_unknown(f"{place}/indicator", entry.indicator, indicators)
        if entry.indicator in by_level:
            findings.add("adjustment-by-level", f"{place}/indicator", entry.indicator)
        findings.add_outside(f"{place}/points", entry.points, 0, 100)
        findings.add_outside(f"{place}/cap", entry.cap, 0, 100)
    findings.add_repeats(
        "duplicate-code",
        [
            (f"/scheme/adjustments/{index}/code", entry.code)
            for index, entry in enumerate(scheme.adjustments)
        ],
    )
    if scheme.bonus_cap is not None:
        findings.add_outside("/scheme/bonus_cap", scheme.bonus_cap, 0, 100)
