"""Every permission × role × scope, as a table; and what it takes to be permitted."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from services.core.identity.actor import operator, system
from services.core.identity.reach import Reach
from services.core.identity.rules import (
    DEFAULT_SCOPES,
    GRANTABLE_SCOPES,
    ROLES,
    SCOPES,
    Permission,
    Role,
    Scope,
)

UNITS: set[Role] = {"reporter", "lead"}
READERS: set[Role] = {*UNITS, "office", "leader", "superior", "integrator"}
WORKERS: set[Role] = {*UNITS, "office", "integrator"}

TABLE: Mapping[str, tuple[Scope, set[Role]]] = {
    "READ_PLAN": ("plan:read", READERS | {"system_admin"}),
    "LOAD_PLAN": ("plan:write", {"office", "system_admin"}),
    "RUN_PERIOD": ("plan:write", {"office"}),
    "SETTLE_QUESTION": ("plan:write", {"office"}),
    "ASSIGN_TARGET": ("plan:write", {"office", "superior"}),
    "MAKE_PAPERS": ("plan:write", {"office"}),
    "READ_PAPERS": ("plan:read", READERS),
    "SHARE_BOARD": ("plan:write", {"office"}),
    "READ_SUBMISSIONS": ("submissions:read", READERS),
    "WRITE_SUBMISSIONS": ("submissions:write", WORKERS),
    "REVIEW_SUBMISSIONS": ("submissions:review", {"lead", "office", "integrator"}),
    "ARCHIVE_EVIDENCE": ("submissions:review", {"office"}),
    "TRY_CHECKS": ("submissions:review", {"office"}),
    "READ_CALENDAR": ("plan:read", READERS | {"system_admin"}),
    "CHANGE_CALENDAR": ("plan:write", {"office", "system_admin"}),
    "READ_MILESTONES": ("milestones:read", READERS),
    "WRITE_MILESTONES": ("milestones:write", WORKERS),
    "READ_ALERTS": ("alerts:read", READERS),
    "ANSWER_ALERTS": ("milestones:write", {*UNITS, "office"}),
    "CHANGE_ALERT_RULES": ("plan:write", {"office"}),
    "MANAGE_WEBHOOKS": ("webhooks:write", {"office", "integrator"}),
    "READ_EVENTS": ("events:read", READERS),
    "MANAGE_KEYS": ("keys:write", {"system_admin", "security_admin"}),
    "MANAGE_PARTNERS": ("keys:write", {"system_admin"}),
    "READ_CONNECTORS": ("plan:read", {"office", "system_admin"}),
    "REVIEW_REPORTS": ("submissions:review", {"office"}),
    "MANAGE_USERS": ("users:write", {"security_admin"}),
    "READ_AUDIT": ("audit:read", {"audit_admin"}),
    "REPORT_FOR_ANY_UNIT": ("submissions:write", {"office"}),
    "REPORT_ON_BEHALF": ("submissions:write", {"office"}),
    "REVIEW_ANY_SUBMISSION": ("submissions:review", {"office"}),
    "FALSIFY_SUBMISSIONS": ("submissions:review", {"office"}),
    "ASSIGN_MILESTONES": ("milestones:write", {"lead", "office", "integrator"}),
    "RUN_MILESTONES": ("milestones:write", {"office"}),
    "SIGN_FOR_ANY_UNIT": ("milestones:write", set()),
    "ANSWER_ANY_ALERT": ("milestones:write", {"office"}),
    "SNOOZE_TOP_ALERTS": ("milestones:write", {"office"}),
    "DECIDE_WHAT_UNIT_LEADS": ("milestones:read", {"lead"}),
    "DECIDE_WHAT_NOBODY_LEADS": ("milestones:read", set()),
    "REVOKE_ANY_CALENDAR": ("milestones:read", {"office"}),
    "MANAGE_EVERY_WEBHOOK": ("webhooks:write", {"office"}),
    "HEAR_OF_EVERY_WEBHOOK": ("events:read", {"office", "leader"}),
}

OF_NO_UNIT: Mapping[str, set[Role]] = {
    "REPORT_FOR_ANY_UNIT": {"integrator"},
    "RUN_MILESTONES": {"integrator"},
    "SIGN_FOR_ANY_UNIT": {"integrator"},
    "DECIDE_WHAT_NOBODY_LEADS": {"office"},
}
"""Who has a permission as well where the credential is of no unit."""

READ: set[Scope] = {
    "plan:read", "submissions:read", "milestones:read", "alerts:read", "events:read",
}  # fmt: skip
WORK: set[Scope] = {*READ, "submissions:write", "milestones:write"}

SCOPES_OF: Mapping[Role, set[Scope]] = {
    "reporter": WORK,
    "lead": WORK | {"submissions:review"},
    "office": WORK | {"submissions:review", "plan:write", "webhooks:write"},
    "leader": READ,
    "superior": READ | {"plan:write"},
    "integrator": READ,
    "system_admin": {"plan:read", "plan:write", "keys:write"},
    "security_admin": {"keys:write", "users:write"},
    "audit_admin": {"audit:read"},
}


def test_the_table_holds_every_permission_and_every_role() -> None:
    assert {one.name for one in Permission} == set(TABLE)
    assert set(SCOPES_OF) == set(ROLES)


@pytest.mark.parametrize("permission", Permission, ids=lambda one: one.name)
@pytest.mark.parametrize("role", ROLES)
def test_a_permission_needs_its_role_and_its_scope(role: Role, permission: Permission) -> None:
    scope, roles = TABLE[permission.name]
    for unit, allowed in (
        ("UN15", roles),
        (None, roles | OF_NO_UNIT.get(permission.name, set())),
    ):
        somebody = replace(operator("410183"), role=role, organization_code=unit)
        for given in (set(SCOPES), {scope}):
            assert replace(somebody, scopes=frozenset(given)).may(permission) is (role in allowed)
        for given in (set(), set(SCOPES) - {scope}):
            assert not replace(somebody, scopes=frozenset(given)).may(permission)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_these_scopes_and_may_be_given_no_others(role: Role) -> None:
    assert DEFAULT_SCOPES[role] == SCOPES_OF[role]
    most = (
        set(SCOPES) - {"plan:write", "keys:write", "audit:read", "users:write"}
        if role == "integrator"
        else SCOPES_OF[role]
    )
    assert GRANTABLE_SCOPES[role] == most


def test_three_administrators_neither_report_nor_review_nor_each_others_work() -> None:
    for role in ROLES:
        if role.endswith("_admin"):
            held = {one.name for one in Permission if role in one.roles}
            own = {
                "system_admin": {
                    *("READ_PLAN", "LOAD_PLAN", "READ_CALENDAR", "CHANGE_CALENDAR", "MANAGE_KEYS"),
                    "MANAGE_PARTNERS",
                    "READ_CONNECTORS",
                },
                "security_admin": {"MANAGE_KEYS", "MANAGE_USERS"},
                "audit_admin": {"READ_AUDIT"},
            }
            assert held == own.get(role, set())


@pytest.mark.parametrize(
    ("role", "unit", "plan", "whole"),
    [
        ("office", None, None, True),
        ("office", "UN15", None, True),
        ("office", None, "410183-2025", False),
        ("system_admin", None, None, True),
        ("system_admin", "UN15", None, False),
        ("system_admin", None, "410183-2025", False),
    ],
)
def test_the_whole_citys_things_are_for_whoever_is_bound_to_no_part_of_it(
    role: Role, unit: str | None, plan: str | None, *, whole: bool
) -> None:
    actor = replace(operator("410183"), role=role, organization_code=unit, plan_code=plan)
    assert actor.runs_whole_city is whole


def test_an_actor_in_another_request_is_the_same_actor() -> None:
    actor = replace(operator("410183"), plan_code="410183-2025", organization_code="UN15")
    assert actor.in_request("r") == replace(actor, request_id="r")
    assert actor.in_request("r").stamp()["request_id"] == "r"
    assert system("scoring") == {"kind": "system", "name": "scoring"}


@pytest.mark.parametrize(
    ("role", "of_a_unit", "of_none"),
    [
        ("reporter", Reach.OWN, Reach.NOTHING),
        ("lead", Reach.LED, Reach.NOTHING),
        ("office", Reach.WHOLE_PLAN, Reach.WHOLE_PLAN),
        ("leader", Reach.WHOLE_PLAN, Reach.WHOLE_PLAN),
        ("superior", Reach.APPROVED, Reach.APPROVED),
        ("integrator", Reach.LED, Reach.WHOLE_PLAN),
        ("system_admin", Reach.NOTHING, Reach.NOTHING),
        ("security_admin", Reach.NOTHING, Reach.NOTHING),
        ("audit_admin", Reach.NOTHING, Reach.NOTHING),
    ],
)
def test_a_role_sees_so_far_with_a_unit_and_so_far_without(
    role: Role, of_a_unit: Reach, of_none: Reach
) -> None:
    somebody = replace(operator("410183"), role=role)
    assert replace(somebody, organization_code="UN15").reach is of_a_unit
    assert replace(somebody, organization_code=None).reach is of_none
