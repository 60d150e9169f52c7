"""Validates the other sources of a plan's figures, and its tolerances. Pure."""

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument
from services.core.plan.observing import Tolerance


def check_observations(document: PlanDocument, organizations: Codes, faults: Faults) -> None:
    """Add the faults of the sources and tolerances of a document."""
    rules, place = document.observations, "/observations"
    codes = [(f"{place}/sources/{at}/code", one.code) for at, one in enumerate(rules.sources)]
    faults.add_repeats("duplicate-code", codes)
    for at, source in enumerate(rules.sources):
        faults.add_unknown_among(f"{place}/sources/{at}/units", source.units, organizations)
        roles = [
            (f"{place}/sources/{at}/roles/{number}", role)
            for number, role in enumerate(source.roles)
        ]
        faults.add_repeats("repeated-reference", roles)
    _check_tolerance(f"{place}/tolerance", rules.tolerance, faults)
    for at, indicator in enumerate(document.indicators):
        if indicator.tolerance is not None:
            _check_tolerance(f"/indicators/{at}/tolerance", indicator.tolerance, faults)


def _check_tolerance(place: str, tolerance: Tolerance, faults: Faults) -> None:
    if tolerance.absolute < 0:
        faults.add("negative-tolerance", f"{place}/absolute", plain(tolerance.absolute))
    faults.add_outside(f"{place}/relative", tolerance.relative, 0, 1)
