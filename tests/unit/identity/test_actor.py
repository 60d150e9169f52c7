"""What is kept of an actor in history, and who works at the console."""

from dataclasses import replace
from uuid import UUID

from services.core.identity.actor import operator
from services.core.identity.rules import DEFAULT_SCOPES
from tests.unit.submissions.builders import an_actor


def test_history_keeps_who_it_was_with_what_role_for_whom_and_how_it_came() -> None:
    clerk = an_actor("reporter", "UN15", number=7, channel="api", request_id="r1", name="张三")
    assert clerk.stamp() == {
        "kind": "api_key",
        "id": str(UUID(int=7)),
        "name": "张三",
        "role": "reporter",
        "organization_code": "UN15",
        "channel": "api",
        "request_id": "r1",
    }


def test_whoever_has_the_machine_is_an_administrator_of_every_city_without_a_key() -> None:
    console = operator("410183")
    assert (console.kind, console.role, console.every_city) == ("operator", "system_admin", True)
    assert (console.name, console.channel, console.request_id) == ("console", "console", "")
    assert (console.city_code, console.credential_id) == ("410183", UUID(int=0))
    assert (console.organization_code, console.plan_code) == (None, None)
    assert console.scopes == DEFAULT_SCOPES["system_admin"]
    assert console.runs_whole_city


def test_in_another_request_an_actor_is_the_same_but_for_that() -> None:
    clerk = replace(an_actor("reporter", "UN15", name="张三"), person_id=UUID(int=5), kind="user")
    assert clerk.in_request("r2") == replace(clerk, request_id="r2")
