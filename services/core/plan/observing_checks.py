"""What must hold of the other sources of a plan's figures, and of its tolerances. Pure."""

from services.core.kit.decimals import plain
from services.core.plan.document import PlanDocument
from services.core.plan.findings import Codes, Findings
from services.core.plan.observing import Tolerance


def check_observations(document: PlanDocument, organizations: Codes, findings: Findings) -> None:
    """Add the faults of the sources and tolerances of a document."""
    rules, place = document.observations, "/observations"
    codes = [(f"{place}/sources/{at}/code", one.code) for at, one in enumerate(rules.sources)]
    findings.add_repeats("duplicate-code", codes)
    for at, source in enumerate(rules.sources):
        findings.add_unknown_among(f"{place}/sources/{at}/units", source.units, organizations)
        roles = [
            (f"{place}/sources/{at}/roles/{number}", role)
            for number, role in enumerate(source.roles)
        ]
        findings.add_repeats("repeated-reference", roles)
    _check_tolerance(f"{place}/tolerance", rules.tolerance, findings)
    for at, indicator in enumerate(document.indicators):
        if indicator.tolerance is not None:
            _check_tolerance(f"/indicators/{at}/tolerance", indicator.tolerance, findings)


def _check_tolerance(place: str, tolerance: Tolerance, findings: Findings) -> None:
    if tolerance.absolute < 0:
        findings.add("negative-tolerance", f"{place}/absolute", plain(tolerance.absolute))
    findings.add_outside(f"{place}/relative", tolerance.relative, 0, 1)
