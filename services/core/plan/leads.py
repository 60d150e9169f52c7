"""Which units are accountable for a measure or an indicator, by a plan's document. Pure."""

from collections.abc import Iterable, Mapping

from services.core.plan.document import Indicator, Measure, OrganizationEntry


def units_of(measure: Measure, units: Mapping[str, OrganizationEntry]) -> Mapping[str, str]:
    """Return each unit's part in a measure, `lead` or `responsible`; a unit that is both is `lead`.

    A collective name stands for its members.
    """
    shared = each_of(measure.responsible_units, units)
    return dict.fromkeys(shared, "responsible") | dict.fromkeys(leading(measure, units), "lead")


def leading(measure: Measure, units: Mapping[str, OrganizationEntry]) -> tuple[str, ...]:
    """Return the units accountable for a measure: its leads, or else the responsible units.

    A collective name stands for its members.
    """
    return each_of(measure.lead_units or measure.responsible_units, units)


def each_of(codes: Iterable[str], units: Mapping[str, OrganizationEntry]) -> tuple[str, ...]:
    """Return the units of these codes, deduplicated; a collective name stands for its members."""
    named = [unit for code in codes for unit in (units[code].members or (code,))]
    return tuple(dict.fromkeys(named))


def leads_of(indicator: Indicator) -> tuple[str, ...]:
    """Return the units accountable for an indicator: its owners and acting owner."""
    acting = (indicator.acting_owner,) if indicator.acting_owner else ()
    return tuple(dict.fromkeys((*acting, *indicator.owners)))


def reporters_of(indicator: Indicator, units: Mapping[str, OrganizationEntry]) -> tuple[str, ...]:
    """Return the units that owe an indicator's values: those of its leads that submit.

    A collective name stands for its members. If the aggregation over units is `direct`, only the
    first one reports: its value is the city's.
    """
    owing = tuple(unit for unit in each_of(leads_of(indicator), units) if units[unit].submits)
    return owing[:1] if indicator.aggregation.units == "direct" else owing


def owner_of(indicator: Indicator, units: Mapping[str, OrganizationEntry]) -> str | None:
    """Return the unit whose value is the city's; None: not aggregated so, or no unit submits."""
    if indicator.aggregation.units != "direct":
        return None
    return next(iter(reporters_of(indicator, units)), None)
