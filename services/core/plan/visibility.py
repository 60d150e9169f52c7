"""Who sees what: turns a reach into a SQL condition, and makes the same decision in Python.

Every statement that reads a table for a caller describes, as `Owned`, who owns the table's rows,
and takes its condition from here. Names of parameters begin with `scope_`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.identity.rules import Permission, Role, reaches_of
from services.core.kit.statements import SqlCondition
from services.core.plan.evidence_rules import Piece


@dataclass(frozen=True, slots=True)
class Owned:
    """SQL expressions on a table that say who owns its rows.

    `second_unit` is for rows of two units, `more_units` an array for rows of any number.
    `indicator`, `measure`, `register` and `sheet` are null, or absent, if the row belongs to none:
    then nobody sees it as its lead or assessor. `shared` is a condition on rows that everybody sees
    who sees the concerns of a unit; `approved` one on rows that a reach limited to approved data
    sees. None: no row. A sub-select in one names its city as `:scope_city`.
    """

    city: str
    plan: str
    unit: str
    second_unit: str | None = None
    more_units: str | None = None
    indicator: str | None = None
    measure: str | None = None
    register: str | None = None
    sheet: str | None = None
    shared: str | None = None
    approved: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """SQL expressions on a table that say who made its rows.

    `colleagues` is a condition on rows made by another key of the caller's unit; it carries its own
    parameters.
    """

    city: str
    plan: str
    credential: str
    colleagues: SqlCondition | None = None


def scope(actor: Actor, owned: Owned) -> SqlCondition:
    """Return the condition that restricts a table to the rows that a caller may see.

    It always names the caller's city, so that a statement with it concerns one city.
    """
    conditions = [f"{owned.city} = :scope_city"]
    parameters: dict[str, Any] = {"scope_city": actor.city_code}
    if actor.plan_code is not None:
        conditions.append(f"{owned.plan} = :scope_plan")
        parameters["scope_plan"] = actor.plan_code
    seen = seen_by(actor.reach, owned, city=":scope_city", unit=":scope_unit")
    # SQLAlchemy refuses a parameter that does not occur in the text.
    if ":scope_unit" in seen:
        parameters["scope_unit"] = actor.organization_code
    return SqlCondition(" AND ".join([*conditions, seen]), parameters)


def plan_scope(actor: Actor, city_code: str, *, city: str, plan: str) -> SqlCondition:
    """Return the condition on rows of a city that everybody sees who may read their plan.

    This is the only condition by which a credential of every city sees more than its own.
    """
    conditions, parameters = [f"{city} = :scope_city"], {"scope_city": city_code}
    if not actor.every_city and actor.city_code != city_code:
        conditions.append("FALSE")
    if actor.plan_code is not None:
        conditions.append(f"{plan} = :scope_plan")
        parameters["scope_plan"] = actor.plan_code
    return SqlCondition(" AND ".join(conditions), parameters)


def made_scope(actor: Actor, made: Made, *, everybodys: Permission | None = None) -> SqlCondition:
    """Return the condition on a caller's own rows; with `everybodys` on all of its plan."""
    conditions = [f"{made.city} = :scope_city"]
    parameters: dict[str, Any] = {"scope_city": actor.city_code}
    if everybodys is not None and actor.may(everybodys):
        if actor.plan_code is not None:
            conditions.append(f"{made.plan} = :scope_plan")
            parameters["scope_plan"] = actor.plan_code
        return SqlCondition(" AND ".join(conditions), parameters)
    own = f"{made.credential} = :scope_credential"
    parameters["scope_credential"] = actor.credential_id
    if made.colleagues is not None and actor.organization_code is not None:
        own = f"({own} OR {made.colleagues.sql})"
        parameters |= made.colleagues.parameters
    return SqlCondition(" AND ".join([*conditions, own]), parameters)


def seen_by(reach: Reach, owned: Owned, *, city: str, unit: str) -> str:
    """Return the condition on the rows of a city that a reach sees.

    `city` and `unit` are SQL expressions; `city` should be a parameter (see `led_by`).
    """
    if reach is Reach.WHOLE_PLAN:
        return "TRUE"
    if reach is Reach.NOTHING:
        return "FALSE"
    if reach is Reach.APPROVED:
        return f"({owned.approved or 'FALSE'})"
    seen = [f"{of} = {unit}" for of in (owned.unit, owned.second_unit) if of is not None]
    if owned.more_units is not None:
        seen.append(f"{unit} = ANY({owned.more_units})")
    if owned.shared is not None:
        seen.append(owned.shared)
    if reach is Reach.LED:
        seen += led_by(owned, city=city, unit=unit)
    return f"({' OR '.join(seen)})"


def seen_by_each(roles: Iterable[Role], owned: Owned, *, city: str, role: str, unit: str) -> str:
    """Return the condition on rows that credentials of some roles see, for many at once.

    `role` and `unit` are SQL expressions on a table of such credentials, or of what they own;
    `city` names the city of all.
    """
    seen = [
        f"({role} = '{name}' AND {unit} IS {'NOT ' if has_unit else ''}NULL"
        f" AND {seen_by(reach, owned, city=city, unit=unit)})"
        for name, has_unit, reach in reaches_of(roles)
    ]
    return f"({' OR '.join(seen)})"


def led_by(owned: Owned, *, city: str, unit: str) -> list[str]:
    """Return the conditions on rows whose indicator, measure or register a unit leads.

    Rows whose score sheet the unit assesses count too.

    Their sub-selects name the city explicitly: Citus refuses one that is correlated by the outer
    row's city and may be skipped, as under OR.
    """
    # EXISTS and not a join: a measure may have several leads, and a row must not appear twice.
    led = []
    if owned.indicator is not None:
        led.append(
            "EXISTS (SELECT FROM indicator_lead AS scope_lead"
            f" WHERE scope_lead.city_code = {city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit}"
            f" AND scope_lead.indicator_code = {owned.indicator})"
        )
    if owned.measure is not None:
        led.append(
            "EXISTS (SELECT FROM measure_unit AS scope_lead"
            f" WHERE scope_lead.city_code = {city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit} AND scope_lead.part = 'lead'"
            f" AND scope_lead.measure_code = {owned.measure})"
        )
    if owned.register is not None:
        led.append(
            "EXISTS (SELECT FROM register_lead AS scope_lead"
            f" WHERE scope_lead.city_code = {city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit}"
            f" AND scope_lead.register_code = {owned.register})"
        )
    if owned.sheet is not None:
        led.append(
            "EXISTS (SELECT FROM sheet_assessor AS scope_lead"
            f" WHERE scope_lead.city_code = {city} AND scope_lead.plan_code = {owned.plan}"
            f" AND scope_lead.organization_code = {unit}"
            f" AND scope_lead.sheet_code = {owned.sheet})"
        )
    return led


def sees_whole_plan(actor: Actor) -> bool:
    """Return whether the caller's reach covers the whole of a plan that it may read."""
    return actor.reach is Reach.WHOLE_PLAN


def sees_under_review(actor: Actor) -> bool:
    """Return whether the caller may see results computed from values that are not approved yet."""
    return actor.may(Permission.READ_SUBMISSIONS) and sees_whole_plan(actor)


def sees_plan(actor: Actor, *, city_code: str, plan_code: str) -> bool:
    """Make the decision of `plan_scope` for one plan, in Python."""
    in_city = actor.every_city or actor.city_code == city_code
    return in_city and actor.plan_code in {None, plan_code}


def may_report_to(actor: Actor | None, *, city_code: str, plan_code: str) -> bool:
    """Return whether a key may write incoming data into a plan; None: the key is no longer valid.

    Called wherever a key is registered for a plan, or data is written under one: a key bound to
    another plan must not write into this one by any route.
    """
    return (
        actor is not None
        and actor.may(Permission.WRITE_SUBMISSIONS)
        and sees_plan(actor, city_code=city_code, plan_code=plan_code)
    )


def sees(
    actor: Actor,
    *,
    city_code: str,
    plan_code: str,
    units: Collection[str | None],
    leads: Collection[str] = (),
    shared: bool = False,
    approved: bool = False,
) -> bool:
    """Make the decision of `scope` for one row, in Python.

    `units` are the row's units, `leads` the leads of its indicator or measure; `shared` and
    `approved` say whether the row meets the conditions of these names.
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
            return shared or actor.organization_code in units
        case Reach.LED:
            return shared or actor.organization_code in {*units, *leads}


def sees_every(
    actor: Actor,
    *,
    city_code: str,
    plan_code: str,
    leads: Collection[str] = (),
    approved: bool = False,
) -> bool:
    """Return whether a caller sees every row that `leads` lead, of whatever unit.

    `approved` says whether all of them were approved.
    """
    return sees(
        actor,
        city_code=city_code,
        plan_code=plan_code,
        units=(),
        leads=leads,
        approved=approved,
    )


def pieces_seen(actor: Actor, pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces of a visible submission or register row that a caller sees.

    A caller that sees only approved data sees the pieces that it was approved with, and none added
    since.
    """
    if actor.reach is not Reach.APPROVED:
        return list(pieces)
    return [one for one in pieces if one["kept"]]
