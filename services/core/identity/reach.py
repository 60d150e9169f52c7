"""How far a credential sees: each role is mapped to a reach here, and nowhere else.

What a reach means for the rows of a table is said in `plan.visibility`, where it is known who
leads what.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from services.core.identity.rules import Role


class Reach(Enum):
    """What of a plan a credential sees."""

    WHOLE_PLAN = "everything in the plan"
    LED = "what concerns its unit, and what its unit leads"
    OWN = "what concerns its unit"
    APPROVED = "what was approved, of the whole plan"
    NOTHING = "nothing"


_REACH: Mapping[Role, Reach] = {
    "reporter": Reach.OWN,
    "lead": Reach.LED,
    "office": Reach.WHOLE_PLAN,
    "leader": Reach.WHOLE_PLAN,
    "superior": Reach.APPROVED,
    "integrator": Reach.LED,
    "system_admin": Reach.NOTHING,
    "security_admin": Reach.NOTHING,
    "audit_admin": Reach.NOTHING,
}

_OF_ONE_UNIT = frozenset({Reach.OWN, Reach.LED})


def reach_of(role: Role, organization_code: str | None) -> Reach:
    """Return how far a credential of a role and unit sees; `organization_code` None: of no unit.

    A system that belongs to no unit sees the whole plan. Anybody else whose sight is that of a
    unit, and who has none, sees nothing.
    """
    reach = _REACH[role]
    if organization_code is None and reach in _OF_ONE_UNIT:
        return Reach.WHOLE_PLAN if role == "integrator" else Reach.NOTHING
    return reach


def reaches_of(roles: Iterable[Role]) -> Iterator[tuple[Role, bool, Reach]]:
    """Yield how far credentials of some roles see: role, whether it is of a unit, reach."""
    for role in sorted(roles):
        for has_unit in (True, False):
            yield role, has_unit, reach_of(role, "of a unit" if has_unit else None)
