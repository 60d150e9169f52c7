"""Which role may do what. Pure: a permission needs a role that has it and a scope that opens it."""

from collections.abc import Mapping
from enum import Enum
from typing import Literal, get_args

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
]
ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
ROLES_OF_ONE_ORGANIZATION: frozenset[Role] = frozenset({"reporter", "lead"})


class Permission(Enum):
    """Something that a caller may be permitted to do; each is opened by one scope."""

    READ_PLAN = "read-plan"
    LOAD_PLAN = "load-plan"
    RUN_PERIOD = "run-period"
    SETTLE_QUESTION = "settle-question"
    ASSIGN_TARGET = "assign-target"
    READ_SUBMISSIONS = "read-submissions"
    WRITE_SUBMISSIONS = "write-submissions"
    REVIEW_SUBMISSIONS = "review-submissions"
    READ_EVENTS = "read-events"
    MANAGE_KEYS = "manage-keys"

    @property
    def scope(self) -> Scope:
        """Return the scope that opens this permission."""
        return _SCOPE_OF[self]


_SCOPE_OF: Mapping[Permission, Scope] = {
    Permission.READ_PLAN: "plan:read",
    Permission.LOAD_PLAN: "plan:write",
    Permission.RUN_PERIOD: "plan:write",
    Permission.SETTLE_QUESTION: "plan:write",
    Permission.ASSIGN_TARGET: "plan:write",
    Permission.READ_SUBMISSIONS: "submissions:read",
    Permission.WRITE_SUBMISSIONS: "submissions:write",
    Permission.REVIEW_SUBMISSIONS: "submissions:review",
    Permission.READ_EVENTS: "events:read",
    Permission.MANAGE_KEYS: "keys:write",
}

_READERS: frozenset[Role] = frozenset(
    {"reporter", "lead", "office", "leader", "superior", "integrator"}
)

PERMITTED_ROLES: Mapping[Permission, frozenset[Role]] = {
    Permission.READ_PLAN: _READERS | {"system_admin"},
    Permission.LOAD_PLAN: frozenset({"office", "system_admin"}),
    Permission.RUN_PERIOD: frozenset({"office"}),
    Permission.SETTLE_QUESTION: frozenset({"office"}),
    Permission.ASSIGN_TARGET: frozenset({"office", "superior"}),
    Permission.READ_SUBMISSIONS: _READERS,
    Permission.WRITE_SUBMISSIONS: frozenset({"reporter", "lead", "office", "integrator"}),
    Permission.REVIEW_SUBMISSIONS: frozenset({"lead", "office", "integrator"}),
    Permission.READ_EVENTS: _READERS,
    Permission.MANAGE_KEYS: frozenset({"system_admin"}),
}

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
    "security_admin": frozenset(),
    "audit_admin": frozenset(),
}

GRANTABLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    **DEFAULT_SCOPES,
    "integrator": frozenset(SCOPES) - {"plan:write", "keys:write"},
}
"""The scopes that a key of a role may carry at most."""
