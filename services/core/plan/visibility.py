"""Who sees what: a reach becomes a condition in SQL, and the same decision in Python.

Every statement that reads a table for a caller names, as `Owned`, where that table says whose a
row is, and takes its condition from here. Names of parameters begin with `scope_`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach


@dataclass(frozen=True, slots=True)
class Owned:
    """Where a table says whose a row is, as SQL expressions on that table.

    `indicator` and `measure` are null, or absent, where the row belongs to none: then nobody
    sees it by leading one. `shared` is a condition on rows that everybody sees who sees anything
    of the plan; `approved` one on rows that a reach of what was approved sees. None: no row.
    """

    city: str
    plan: str
    unit: str
    indicator: str | None = None
    measure: str | None = None
    shared: str | None = None
    approved: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A condition in SQL with the parameters that it names."""

    sql: str
    parameters: Mapping[str, Any]

    @property
    def clause(self) -> TextClause:
        """Return it as a clause for `where`."""
        return text(self.sql).bindparams(**self.parameters)


def scope(actor: Actor, owned: Owned) -> Scope:
    """Return the condition that keeps a caller to the rows that are theirs to see.

    It names the caller's city, so that a statement with it is one of one city.
    """
    conditions = [f"{owned.city} = :scope_city"]
    parameters: dict[str, Any] = {"scope_city": actor.city_code}
    if actor.plan_code is not None:
        conditions.append(f"{owned.plan} = :scope_plan")
        parameters["scope_plan"] = actor.plan_code
    seen = seen_by(actor.reach, owned, unit=":scope_unit")
    if ":scope_unit" in seen:
        parameters["scope_unit"] = actor.organization_code
    return Scope(" AND ".join([*conditions, seen]), parameters)


def seen_by(reach: Reach, owned: Owned, *, unit: str) -> str:
    """Return the condition on the rows of a city that a reach sees; `unit` is an expression."""
    if reach is Reach.WHOLE_PLAN:
        return "TRUE"
    if reach is Reach.NOTHING:
        return "FALSE"
    if reach is Reach.APPROVED:
        return f"({owned.approved or 'FALSE'})"
    seen = [f"{owned.unit} = {unit}"]
    if owned.shared is not None:
        seen.append(owned.shared)
    if reach is Reach.LED:
        seen += _led(owned, unit)
    return f"({' OR '.join(seen)})"


def _led(owned: Owned, unit: str) -> list[str]:
    led = []
    if owned.indicator is not None:
        led.append(
            "EXISTS (SELECT FROM indicator_lead AS scope_lead"
            f" WHERE scope_lead.city_code = {owned.city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit}"
            f" AND scope_lead.indicator_code = {owned.indicator})"
        )
    if owned.measure is not None:
        led.append(
            "EXISTS (SELECT FROM measure_unit AS scope_lead"
            f" WHERE scope_lead.city_code = {owned.city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit} AND scope_lead.part = 'lead'"
            f" AND scope_lead.measure_code = {owned.measure})"
        )
    return led


def sees(
    actor: Actor,
    *,
    city_code: str,
    plan_code: str,
    organization_code: str | None,
    leads: Collection[str] = (),
    shared: bool = False,
    approved: bool = False,
) -> bool:
    """Return what `scope` decides of one row, in Python.

    `leads` are the units that lead the row's indicator or measure; `shared` and `approved` say
    whether the row meets the conditions of these names.
    """
    if actor.city_code != city_code or actor.plan_code not in {None, plan_code}:
        return False
    match actor.reach:
        case Reach.WHOLE_PLAN:
            return True
        case Reach.NOTHING:
            return False
        case Reach.APPROVED:
            return approved
        case Reach.OWN:
            return shared or actor.organization_code == organization_code
        case Reach.LED:
            return shared or actor.organization_code in {organization_code, *leads}
