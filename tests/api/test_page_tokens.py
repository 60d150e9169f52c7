"""A page token is anybody's to make: every list judges every part of one, and answers 400."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from services.api.paging import of_list
from services.core.identity.actor import operator
from services.core.identity.rules import Role
from services.core.kit.ids import new_id
from services.core.kit.pagination import new_page_token
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import an_appeal, an_assessment
from tests.support.connectors import a_connector
from tests.support.duties import add
from tests.support.imports import an_import
from tests.support.observed import load_sources, observed
from tests.support.papers import a_paper
from tests.support.registers import a_register_row

ID, DAY = "019aafc0-0000-7000-8000-000000000000", "2026-06-30"


@dataclass(frozen=True)
class Listed:
    """A list: how its tokens name it, and a last key as one of its pages may end in."""

    name: str
    good: tuple[str, ...]
    filters: Mapping[str, object]
    role: Role = "office"


PLAN = {"plan": XINMI}
LISTS: Mapping[str, Listed] = {
    "/v1/api-keys": Listed("keys", ("410183", ID), {}, "system_admin"),
    "/v1/partners": Listed("partners", ("410183", ID), {}, "system_admin"),
    "/v1/connectors": Listed("connectors", ("410183", ID), {}),
    "/v1/connectors/{connector_id}/items": Listed(
        "connector-items", (ID,), {"of": ["{connector_id}", None, None]}
    ),
    "/v1/connectors/{connector_id}/batches": Listed(
        "connector-batches", (ID,), {"of": ["{connector_id}"]}
    ),
    "/v1/connectors/{connector_id}/reconciliation": Listed(
        "reconciliation", ("U08", "UN15"), {"of": ["{connector_id}", "2025"]}
    ),
    "/v1/users": Listed("users", (ID,), {}, "security_admin"),
    "/v1/posts": Listed("posts", (ID,), {}, "security_admin"),
    "/v1/sign-in-providers": Listed("sign-in-providers", (ID,), {}, "security_admin"),
    "/v1/sessions": Listed("sessions", (ID,), {"of": None}, "security_admin"),
    "/v1/organizations": Listed("organizations", ("410183", "UN15"), {}),
    "/v1/audit": Listed(
        "audit",
        (ID,),
        {"action": None, "credential_id": None, "subject": None, "within": [None, None]},
        "audit_admin",
    ),
    "/v1/me/todo": Listed("todo", (DAY, "review", ID), {"plan": None}),
    "/v1/calendar-tokens": Listed("calendar-tokens", (ID,), {}),
    "/v1/plans/{plan}/board-links": Listed("board-links", (ID,), PLAN),
    "/v1/plans/{plan}/periods/{period}/reminders": Listed(
        "reminders", (ID,), {**PLAN, "period": "2025"}
    ),
    "/v1/plans/{plan}/papers": Listed("papers", (ID,), {**PLAN, "kind": None, "period": None}),
    "/v1/papers/{paper_id}/figures": Listed("paper-figures", ("7",), {"of": "{paper_id}"}),
    "/v1/webhook-endpoints": Listed("webhook-endpoints", (ID,), {"state": None}),
    "/v1/webhook-endpoints/{endpoint_id}/deliveries": Listed(
        "deliveries", ("7",), {"of": ["{endpoint_id}", None, None, None]}
    ),
    "/v1/plans/{plan}/submissions": Listed("submissions", (ID,), PLAN),
    "/v1/plans/{plan}/check-results": Listed("check-results", (ID,), PLAN),
    "/v1/submissions/{submission_id}/history": Listed(
        "submission-history", ("7",), {"of": "{submission_id}"}
    ),
    "/v1/plans/{plan}/milestones": Listed("milestones", (DAY, ID), PLAN),
    "/v1/milestones/{milestone_id}/history": Listed(
        "milestone-history", ("7",), {"of": "{milestone_id}"}
    ),
    "/v1/plans/{plan}/extensions": Listed(
        "extensions", (ID,), {**PLAN, "state": None, "subject_kind": None}
    ),
    "/v1/plans/{plan}/obligations": Listed("obligations", (DAY, ID), PLAN),
    "/v1/obligations/{obligation_id}/history": Listed(
        "obligation-history", ("7",), {"of": "{obligation_id}"}
    ),
    "/v1/plans/{plan}/conflicts": Listed(
        "conflicts", (ID,), {**PLAN, "state": None, "kind": None, "organization_code": None}
    ),
    "/v1/plans/{plan}/milestone-conflicts": Listed(
        "milestone-conflicts",
        (ID,),
        {**PLAN, "state": None, "milestone_id": None, "organization_code": None},
    ),
    "/v1/plans/{plan}/register-row-conflicts": Listed(
        "register-row-conflicts",
        (ID,),
        {**PLAN, "state": None, "row_id": None, "organization_code": None},
    ),
    "/v1/plans/{plan}/observations": Listed("observations", (ID,), PLAN),
    "/v1/observations/{observation_id}/history": Listed(
        "observation-history", ("7",), {"of": "{observation_id}"}
    ),
    "/v1/plans/{plan}/registers/{register}/rows": Listed(
        "register-rows", (ID,), {**PLAN, "register": "GREEN-FACTORY"}
    ),
    "/v1/plans/{plan}/score-sheets/{sheet}/versions": Listed(
        "score-sheet-versions", ("7",), {**PLAN, "sheet": "TOWN"}
    ),
    "/v1/plans/{plan}/score-sheets/{sheet}/assessments": Listed(
        "assessments", (ID,), {**PLAN, "sheet": "TOWN"}
    ),
    "/v1/assessments/{assessment_id}/history": Listed(
        "assessment-history", ("7",), {"of": "{assessment_id}"}
    ),
    "/v1/assessments/{assessment_id}/revisions": Listed(
        "assessment-revisions", ("7",), {"of": "{assessment_id}"}
    ),
    "/v1/plans/{plan}/assessment-findings": Listed("assessment-findings", (ID, "7"), PLAN),
    "/v1/plans/{plan}/appeals": Listed("appeals", (ID,), PLAN),
    "/v1/appeals/{appeal_id}/history": Listed("appeal-history", ("7",), {"of": "{appeal_id}"}),
    "/v1/register-rows/{row_id}/history": Listed(
        "register-row-history", ("7",), {"of": "{row_id}"}
    ),
    "/v1/imports/{import_id}/faults": Listed("import-faults", ("7", "7"), {"of": "{import_id}"}),
    "/v1/plans/{plan}/alerts": Listed("alerts", (ID,), {**PLAN, "asked": [None] * 4}),
    "/v1/alerts/{alert_id}/history": Listed("alert-history", ("7",), {"of": "{alert_id}"}),
    "/v1/plans/{plan}/publications": Listed("publications", ("7",), PLAN),
    "/v1/plans/{plan}/late": Listed(
        "late", (f"UN15|2|{DAY}|report_due|{ID}",), {**PLAN, "asked": [None, None]}
    ),
    "/v1/plans/{plan}/indicators/{code}/series": Listed(
        "series", ("2024",), {**PLAN, "indicator": "U08", "basis": "approved"}
    ),
}
"""Every list with pages, by its path in the contract."""

HOSTILE: Sequence[object] = (
    "",
    "²",
    "７",
    "9" * 20,
    "9" * 4000,
    "-1",
    "+7",
    " 7",
    "1_0",
    "07",
    "2147483648000000000000",
    "\ud800",
    "a\x00b",
    "2026-02-30",
    "20260630",
    "2026-W26-2",
    "9999-99-99",
    ID.upper(),
    "{" + ID + "}",
    "urn:uuid:" + ID,
    "NaN",
    "1e9",
    7,
    7.5,
    None,
    True,
    [],
    ["7"],
    {"a": "7"},
)
"""Parts of a key that no list of ours ends in."""


def filled(shape: object, names: Mapping[str, str]) -> Any:
    """Return a path or a filter with the things that are there in the place of their names."""
    if isinstance(shape, str):
        return shape.format(**names) if "{" in shape else shape
    if isinstance(shape, list):
        return [filled(one, names) for one in shape]
    return shape


def forged(token: str, place: int, part: object) -> str:
    """Return a token with another part in a place of its key."""
    parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    parts[place + 1] = part
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
async def names(door: Door) -> Mapping[str, str]:
    """One thing of each sort that has a history or deliveries."""
    day = door.held.clock.today("Asia/Shanghai") - timedelta(days=4)
    milestone = await add(door.held.database, Milestone, due_date=day, original_due_date=day)
    obligation = await add(door.held.database, Obligation, period="2022")
    await door.sweep()
    async with await door.as_("office") as office:
        made = await office.post(f"/plans/{XINMI}/submissions", json=a_submission(period="2023"))
        endpoint = await office.post("/webhook-endpoints", json={"url": "https://example.org/"})
        alerts = await office.get(f"/plans/{XINMI}/alerts", params={"rule": "milestone_due"})
        sheet = await an_import(door, office, marked=True)
        await load_sources(door)
        figure = await observed(office)
    return {
        "observation_id": figure["id"],
        "import_id": sheet,
        "register": "GREEN-FACTORY",
        "sheet": "TOWN",
        "assessment_id": await an_assessment(door),
        "appeal_id": await an_appeal(door),
        "row_id": await a_register_row(door),
        "paper_id": await a_paper(door),
        "plan": XINMI,
        "period": "2025",
        "code": "U08",
        "submission_id": made.json()["id"],
        "milestone_id": str(milestone),
        "obligation_id": str(obligation),
        "endpoint_id": endpoint.json()["id"],
        "connector_id": await a_connector(door),
        "alert_id": alerts.json()["items"][0]["id"],
    }


def test_every_list_with_pages_is_tried(door: Door) -> None:
    document = door.app.openapi()
    paged = {
        path
        for path, methods in document["paths"].items()
        if "page_token" in json.dumps(methods.get("get", {}).get("parameters", []))
        or "PageToken" in json.dumps(methods.get("get", {}).get("parameters", []))
    }
    assert paged == set(LISTS)


def token_of(listed: Listed, key: Sequence[str], names: Mapping[str, str], **reach: Any) -> str:
    """Return a token of a list as it gives them out itself."""
    actor = replace(operator("410183"), role=listed.role, **reach)
    named = of_list(
        actor, listed.name, **{name: filled(one, names) for name, one in listed.filters.items()}
    )
    return new_page_token(key, named)


@pytest.mark.parametrize("path", LISTS)
async def test_what_no_page_ends_in_is_400_and_never_500(
    door: Door, names: Mapping[str, str], path: str
) -> None:
    listed = LISTS[path]
    address = filled(path, names).removeprefix("/v1")
    good = token_of(listed, listed.good, names)
    client = door.client(door.admin_secret) if listed.role == "system_admin" else None
    async with client or await door.as_(listed.role) as caller:
        own = await caller.get(address, params={"page_token": good})
        assert own.status_code == 200, "or no part of what follows is judged at all"
        for place, right in enumerate(listed.good):
            for part in HOSTILE:
                if fits(right, part):
                    continue
                token = forged(good, place, part)[:1000]
                answer = await caller.get(address, params={"page_token": token})
                assert (answer.status_code, answer.json()["code"]) == (400, "bad-page-token"), part
        for token in ("²", "9" * 20, "\udcff", "e30", "W10", "bnVsbA", "WzFd", good[:-2], good * 2):
            written = token.encode("utf-8", "surrogatepass")
            answer = await caller.get(f"{address}?page_token={quote_from_bytes(written)}")
            assert (answer.status_code, answer.json()["code"]) == (400, "bad-page-token"), token


@pytest.mark.parametrize("place", [1, 2, 3], ids=["level", "day", "rule"])
async def test_what_no_place_of_the_late_has_is_400(
    door: Door, names: Mapping[str, str], place: int
) -> None:
    listed = LISTS["/v1/plans/{plan}/late"]
    async with await door.as_("office") as office:
        for part in [
            "",
            "²",
            "x",
            "-1",
            "+2",
            "02",
            "100",
            "2026-02-30",
            "20260630",
            "\ud800",
            "a\x00",
        ]:
            parts = listed.good[0].split("|")
            parts[place] = part
            token = token_of(listed, ("|".join(parts),), names)
            answer = await office.get(f"/plans/{XINMI}/late", params={"page_token": token})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad-page-token"), part


def fits(right: str, part: object) -> bool:
    """Return whether a list may end in this part where it ends in `right`.

    A code may be any text that the database can compare with; a version any number.
    """
    if right in {"410183", "UN15", "U08", "2024"}:
        return isinstance(part, str) and "\x00" not in part and "\ud800" not in part
    return right == "7" and part == "20260630"


@pytest.mark.parametrize("path", LISTS)
async def test_a_token_of_another_list_filter_or_reach_is_400(
    door: Door, names: Mapping[str, str], path: str
) -> None:
    listed = LISTS[path]
    address = filled(path, names).removeprefix("/v1")
    others = [
        token_of(replace(listed, name="another"), listed.good, names),
        token_of(replace(listed, filters={**listed.filters, "more": 1}), listed.good, names),
        token_of(listed, listed.good, names, organization_code="UN15"),
        token_of(listed, listed.good, names, plan_code=XINMI),
        token_of(listed, listed.good, names, city_code="410184"),
        token_of(replace(listed, role="leader"), listed.good, names),
        token_of(listed, (*listed.good, "7"), names),
        token_of(listed, listed.good[1:], names),
    ]
    client = door.client(door.admin_secret) if listed.role == "system_admin" else None
    async with client or await door.as_(listed.role) as caller:
        answers = [await caller.get(address, params={"page_token": one}) for one in others]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(400, "bad-page-token")}


async def test_a_new_key_of_the_same_reach_goes_on_where_the_old_one_stopped(door: Door) -> None:
    async with await door.as_("office") as office:
        first = (await office.get("/organizations", params={"page_size": 1})).json()
    async with door.client(await door.new_key("office")) as successor:
        query = {"page_size": 1, "page_token": first["next_page_token"]}
        second = await successor.get("/organizations", params=query)
    assert second.status_code == 200
    assert second.json()["items"] != first["items"]


async def test_a_place_that_is_gone_is_a_place_all_the_same(
    door: Door, names: Mapping[str, str]
) -> None:
    listed = LISTS["/v1/plans/{plan}/submissions"]
    token = token_of(listed, (str(new_id()),), names)
    async with await door.as_("office") as office:
        answer = await office.get(f"/plans/{XINMI}/submissions", params={"page_token": token})
    assert answer.status_code == 200
