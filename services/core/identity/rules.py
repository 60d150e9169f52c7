"""Which role may do what, and how far it sees: everything that is known about roles. Pure.

A permission needs a role that has it and a scope that opens it. `plan.visibility` turns a reach
into a condition on rows; the `queries` of each noun know whose a row is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from typing import Literal, get_args

from services.core.identity.reach import Reach

Role = Literal[
    "reporter",
    "lead",
    "office",
    "leader",
    "superior",
    "integrator",
    "system_admin",
    "security_admin",
    "audit_admin",
]
Scope = Literal[
    "plan:read",
    "plan:write",
    "submissions:read",
    "submissions:write",
    "submissions:review",
    "milestones:read",
    "milestones:write",
    "alerts:read",
    "events:read",
    "webhooks:write",
    "keys:write",
    "audit:read",
    "users:write",
]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ROLES_OF_ONE_ORGANIZATION: frozenset[Role] = frozenset({"reporter", "lead"})
ADMINISTRATORS: frozenset[Role] = frozenset({"system_admin", "security_admin", "audit_admin"})
"""Three, so that nobody runs the system, grants rights and reads the audit at once."""

PostRole = Literal[
    "reporter",
    "lead",
    "office",
    "leader",
    "superior",
    "system_admin",
    "security_admin",
    "audit_admin",
]
"""The roles that a person can have in a post; the remaining one is for systems."""


RecordingRole = Literal["reporter", "lead", "office", "integrator"]
"""The roles that a plan may name for entering the values of another source."""

RECORDING_ROLES: tuple[RecordingRole, ...] = ("office", "integrator")
"""The default if a plan names none."""


_READERS: frozenset[Role] = frozenset(
    {"reporter", "lead", "office", "leader", "superior", "integrator"}
)


_NOBODY: frozenset[Role] = frozenset()


def city_of_plan(plan_code: str) -> str:
    """Return the code of the city of a plan: the first part of the plan's code."""
    return plan_code.split("-", 1)[0]


class Permission(Enum):
    """Something that a caller may be permitted to do: the scope that opens it, and for whom.

    `roles` have it with or without a unit; `roles_of_no_unit` only if the credential belongs to no
    unit. The permissions before the blank line open an operation. Those after it widen what a
    caller may do there, such as reporting for any unit.
    """

    READ_PLAN = ("plan:read", _READERS | {"system_admin"}, "read plans")
    LOAD_PLAN = ("plan:write", frozenset({"office", "system_admin"}), "load plans")
    RUN_PERIOD = ("plan:write", frozenset({"office"}), "run periods")
    SETTLE_QUESTION = ("plan:write", frozenset({"office"}), "settle open questions")
    SHARE_BOARD = ("plan:write", frozenset({"office"}), "make links to the board")
    MAKE_PAPERS = ("plan:write", frozenset({"office"}), "make papers that leave the office")
    READ_PAPERS = ("plan:read", _READERS, "read papers that leave the office")
    ASSIGN_TARGET = ("plan:write", frozenset({"office", "superior"}), "assign targets")
    READ_SUBMISSIONS = ("submissions:read", _READERS, "read submissions")
    WRITE_SUBMISSIONS = (
        "submissions:write",
        frozenset({"reporter", "lead", "office", "integrator"}),
        "report values",
    )
    REVIEW_SUBMISSIONS = (
        "submissions:review",
        frozenset({"lead", "office", "integrator"}),
        "review what was reported",
    )
    ARCHIVE_EVIDENCE = (
        "submissions:review",
        frozenset({"office"}),
        "take all evidence of a plan home in an archive",
    )
    TRY_CHECKS = (
        "submissions:review",
        frozenset({"office"}),
        "try checks on what was reported",
    )
    READ_CALENDAR = ("plan:read", _READERS | {"system_admin"}, "read working days")
    CHANGE_CALENDAR = ("plan:write", frozenset({"office", "system_admin"}), "set working days")
    READ_MILESTONES = ("milestones:read", _READERS, "read milestones")
    WRITE_MILESTONES = (
        "milestones:write",
        frozenset({"reporter", "lead", "office", "integrator"}),
        "assign, report on and close milestones",
    )
    READ_ALERTS = ("alerts:read", _READERS, "read alerts")
    ANSWER_ALERTS = (
        "milestones:write",
        frozenset({"reporter", "lead", "office"}),
        "acknowledge and snooze alerts",
    )
    CHANGE_ALERT_RULES = ("plan:write", frozenset({"office"}), "change alert rules")
    MANAGE_WEBHOOKS = (
        "webhooks:write",
        frozenset({"office", "integrator"}),
        "manage webhook endpoints",
    )
    READ_EVENTS = ("events:read", _READERS, "read events")
    MANAGE_KEYS = ("keys:write", frozenset({"system_admin", "security_admin"}), "manage keys")
    MANAGE_PARTNERS = ("keys:write", frozenset({"system_admin"}), "manage partners")
    READ_CONNECTORS = (
        "plan:read",
        frozenset({"office", "system_admin"}),
        "read where figures are reported",
    )
    REVIEW_REPORTS = (
        "submissions:review",
        frozenset({"office"}),
        "look after what is reported to a superior",
    )
    MANAGE_USERS = (
        "users:write",
        frozenset({"security_admin"}),
        "manage users, posts and sessions",
    )
    READ_AUDIT = ("audit:read", frozenset({"audit_admin"}), "read and export the audit")

    REPORT_FOR_ANY_UNIT = (
        "submissions:write",
        frozenset({"office"}),
        "report values of any unit",
        frozenset({"integrator"}),
    )
    REPORT_ON_BEHALF = (
        "submissions:write",
        frozenset({"office"}),
        "say that a value is reported on behalf of its unit",
    )
    REVIEW_ANY_SUBMISSION = (
        "submissions:review",
        frozenset({"office"}),
        "review what was reported for an indicator, whoever leads it",
    )
    FALSIFY_SUBMISSIONS = (
        "submissions:review",
        frozenset({"office"}),
        "call false what was approved",
    )
    ASSIGN_MILESTONES = (
        "milestones:write",
        frozenset({"lead", "office", "integrator"}),
        "assign milestones",
    )
    RUN_MILESTONES = (
        "milestones:write",
        frozenset({"office"}),
        "assign and judge milestones of any measure",
        frozenset({"integrator"}),
    )
    SIGN_FOR_ANY_UNIT = (
        "milestones:write",
        _NOBODY,
        "sign for and report on milestones of any unit",
        frozenset({"integrator"}),
    )
    ANSWER_ANY_ALERT = ("milestones:write", frozenset({"office"}), "answer alerts of any unit")
    SNOOZE_TOP_ALERTS = (
        "milestones:write",
        frozenset({"office"}),
        "snooze alerts of the top level",
    )
    DECIDE_WHAT_UNIT_LEADS = (
        "milestones:read",
        frozenset({"lead"}),
        "have on its list what its unit has to decide as a lead",
    )
    DECIDE_WHAT_NOBODY_LEADS = (
        "milestones:read",
        _NOBODY,
        "have on its list what no lead can decide, or has left undecided",
        frozenset({"office"}),
    )
    REVOKE_ANY_CALENDAR = (
        "milestones:read",
        frozenset({"office"}),
        "revoke calendar tokens that others made",
    )
    MANAGE_EVERY_WEBHOOK = (
        "webhooks:write",
        frozenset({"office"}),
        "manage webhook endpoints that others made",
    )
    HEAR_OF_EVERY_WEBHOOK = (
        "events:read",
        frozenset({"office", "leader"}),
        "read what befell webhook endpoints that others made",
    )

    def __init__(
        self,
        scope: Scope,
        roles: frozenset[Role],
        meaning: str,
        roles_of_no_unit: frozenset[Role] = _NOBODY,
    ) -> None:
        self.scope = scope
        self.roles = roles
        self.meaning = meaning
        self.roles_of_no_unit = roles_of_no_unit

    def is_for(self, role: Role, organization_code: str | None) -> bool:
        """Return whether a role has it, with this unit or without one, whatever its scopes."""
        if role in self.roles:
            return True
        return organization_code is None and role in self.roles_of_no_unit


_REPORTER: frozenset[Scope] = frozenset(
    {
        "plan:read",
        "submissions:read",
        "submissions:write",
        "milestones:read",
        "milestones:write",
        "alerts:read",
        "events:read",
    }
)
_READ_ONLY: frozenset[Scope] = frozenset(
    {"plan:read", "submissions:read", "milestones:read", "alerts:read", "events:read"}
)

DEFAULT_SCOPES: Mapping[Role, frozenset[Scope]] = {
    "reporter": _REPORTER,
    "lead": _REPORTER | {"submissions:review"},
    "office": _REPORTER | {"submissions:review", "plan:write", "webhooks:write"},
    "leader": _READ_ONLY,
    "superior": _READ_ONLY | {"plan:write"},
    "integrator": _READ_ONLY,
    "system_admin": frozenset({"plan:read", "plan:write", "keys:write"}),
    "security_admin": frozenset({"keys:write", "users:write"}),
    "audit_admin": frozenset({"audit:read"}),
}

GRANTABLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    **DEFAULT_SCOPES,
    "integrator": frozenset(SCOPES) - {"plan:write", "keys:write", "audit:read", "users:write"},
}
"""The most scopes that a key of a role may carry."""


def scopes_of_role(role: str) -> frozenset[Scope]:
    """Return the default scopes of a role."""
    return DEFAULT_SCOPES[role]  # type: ignore[index] # only roles of ours are ever written


def is_administrators(role: str) -> bool:
    """Return whether a role is one of the three administrators' roles."""
    return role in ADMINISTRATORS


def go_together(role: str, others: Collection[str]) -> bool:
    """Return whether one person may have a role beside others: administrators' stand alone."""
    return set(others) <= {role} or not ADMINISTRATORS & {role, *others}


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
    """Return how far a credential sees, by role and unit; `organization_code` None: no unit.

    A system without a unit sees the whole plan. Any other role that sees what concerns its unit,
    and has no unit, sees nothing.
    """
    reach = _REACH[role]
    if organization_code is None and reach in _OF_ONE_UNIT:
        return Reach.WHOLE_PLAN if role == "integrator" else Reach.NOTHING
    return reach


def reaches_of(roles: Iterable[Role]) -> Iterator[tuple[Role, bool, Reach]]:
    """Yield how far credentials of some roles see: role, whether it has a unit, reach."""
    for role in sorted(roles):
        for has_unit in (True, False):
            yield role, has_unit, reach_of(role, "of a unit" if has_unit else None)
