"""A ledger with something for every operation to be about, and keys of whoever may do it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from services.core.kit.clock import Clock
from services.core.milestones.models import Milestone
from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import TOWN_SHEET, an_appeal, assessments_by_end
from tests.support.board import a_board_link
from tests.support.connectors import connectors_named
from tests.support.device import a_conflict, a_milestone_conflict, a_row_conflict
from tests.support.duties import add
from tests.support.evidence import a_file_with_link, added, an_archive, an_assigned_target
from tests.support.gateways import Platform, a_key, a_partner, called
from tests.support.imports import an_import
from tests.support.milestones import LEAD, a_milestone_in, an_extension
from tests.support.observed import an_observation, load_sources
from tests.support.papers import a_paper
from tests.support.people import PeopleGround, people_ground, session_of, somebody
from tests.support.registers import REGISTER, a_register_row

WARNED: dict[str, Any] = {
    "code": "K1",
    "name": "回收利用率偏低",
    "left": [{"indicator": "U08"}],
    "operator": ">=",
    "right": [{"constant": "99"}],
    "importance": "warn",
}
"""What every value of U08 here breaks, so that there are results of checks."""

OF_UNIT = (
    "/accept",
    "/decline",
    "/{milestone_id}/progress",
    "/{milestone_id}/evidence",
    "/complete",
    "/{milestone_id}/extensions",
    "/{obligation_id}/extensions",
    "/{extension_id}/withdraw",
    "/{milestone_conflict_id}/decide",
)
"""The verbs of the unit that promised or owes something; ours is UN10."""


@dataclass(frozen=True)
class Ground:
    """Secrets by caller, and the ids of things by the end of the path that is about them."""

    secrets: dict[str, str]
    keys: list[str]
    submissions: dict[str, str]
    obligation: str
    milestones: dict[str, str]
    extensions: dict[str, str]
    webhooks: dict[str, str]
    endpoints: dict[str, str]
    calendar_secret: str
    imports: dict[str, str]
    evidence: dict[str, str]
    client: dict[str, str]
    """Id and secret of a key, as a client of OAuth sends them."""
    people: PeopleGround

    platform: Platform
    """A partner that may call everything."""

    partners: dict[str, str]
    """Partners that are altered, by the operation that does."""

    connectors: dict[str, str]
    """Connectors by the operation that alters its state; by nothing the one for the others."""

    rows: dict[str, str]
    """Rows of a register, by the end of the path that is about them."""

    assessments: dict[str, str]
    """Assessments, by the end of the path that is about them."""

    appeals: dict[str, str]
    """Appeals, by the end of the path that is about them."""

    def named(self, label: str, operation_id: str) -> dict[str, str]:
        """Return what the parameters of an operation's path may name: things that exist."""
        end = label.rsplit("/", 1)[-1]
        real = {
            "plan": XINMI,
            "register": REGISTER,
            "sheet": TOWN_SHEET,
            "kind": "bulletin",
            "format": "docx",
            "name": "indicators",
            "submission_id": self.submissions[end],
            "key_id": self.keys[0],
            "period": _PERIODS.get(end, "2025"),
            "obligation_id": self.obligation,
            "evidence_id": self.evidence["id"],
            "archive_id": self.evidence["archive"],
            "user_id": self.people.users.get(end, self.people.users["{user_id}"]),
            "post_id": self.people.posts.get(end, self.people.posts["{post_id}"]),
            "session_id": self.people.session_id,
            "provider_id": self.people.providers.get(
                operation_id, self.people.providers["{provider_id}"]
            ),
            **self.webhooks,
        }
        for name, found in (
            ("milestone_id", self.milestones),
            ("extension_id", self.extensions),
            ("import_id", self.imports),
            ("row_id", self.rows),
            ("assessment_id", self.assessments),
            ("appeal_id", self.appeals),
        ):
            if end in found:
                real[name] = found[end]
        real["connector_id"] = self.connectors.get(operation_id, self.connectors[""])
        real["partner_id"] = self.partners.get(operation_id, self.platform.id)
        # Each that alters an endpoint for the others has one of its own.
        real["endpoint_id"] = self.endpoints.get(operation_id, self.webhooks["endpoint_id"])
        if label.startswith("PUT "):
            real["code"] = "R01"  # the superior assigns its target
        if end == "quotas":
            real["register"] = "CELL"  # the one that has a quota
        if label.endswith("/targets/{year}/evidence"):
            real |= {"code": "R01", "year": _ASSIGNED}
        return real


_ASSIGNED = "2024"
"""The year of which a target is assigned; that of another one is free."""

_PERIODS = {"open": "2022", "cancel": "2023", "publish": "2024"}
"""By verb, the period that it is used on, where another verb would be in its way."""


def body_of_today(label: str, body: Any) -> Any:
    """Return what to ask an operation with: days in place of those of an example that grew old."""
    now = Clock.true_now()
    soon, later = ((now + timedelta(days=days)).date().isoformat() for days in (2, 60))
    bodies = {
        "/sync": {"plan": XINMI, "writes": []},
        "/replay": {"since": now.isoformat()},
        "/acknowledge": {"note": "设备已到场", "promised_date": soon},
        "/snooze": {"until": soon, "reason": "等待批复"},
        "/open": {"due_date": later},
        "{period}/reopen": {"due_date": later, "reason": "数据须更正"},
        "{extension_id}/approve": {"granted_date": later},
        "/board-links": {"name": "手机", "expires_at": (now + timedelta(days=60)).isoformat()},
        "_id}/extensions": {"proposed_date": later, "reason": "年报未出"},
    }
    return next((one for end, one in bodies.items() if label.endswith(end)), body)


_OF_PEOPLE = (["users"], ["posts"], ["sessions"], ["sign-in-providers"])
_REPORTED = ("/items/retry", "/statements")
"""What is changed of connectors by the office: what is reported, and not how."""


def _sets_a_connector(label: str) -> bool:
    return "connectors" in label and not label.startswith("GET ") and not label.endswith(_REPORTED)


def who_may(label: str) -> str:
    """Return who may do what an operation does."""
    if "api-keys" in label or "partners" in label or _sets_a_connector(label):
        return "administrator"
    if label.endswith("/sign-out"):
        return "user"
    if label.split("/")[2:3] in _OF_PEOPLE:
        return "security"
    if "/audit" in label:
        return "auditor"
    return "unit" if label.endswith(OF_UNIT) else "office"


async def prepare(door: Door, labels: Collection[str]) -> Ground:
    """Make keys of each sort, and a submission in the state that each verb begins from."""
    await load_sources(door, [WARNED])
    secrets = {
        "office": await door.new_key("office"),
        "administrator": door.admin_secret,
        "auditor": await door.new_key("audit_admin"),
        "security": await door.new_key("security_admin"),
        "user": (await session_of(door, await somebody(door, "asks", "leader")))["access_token"],
        "unit": await door.new_key("reporter", "UN10"),
    }
    states = {
        "submit": "draft",
        "withdraw": "submitted",
        "approve": "submitted",
        "return": "submitted",
        "reopen": "approved",
        "falsify": "approved",
        "history": "approved",
        "{submission_id}": "draft",
        "evidence": "draft",
    }
    made: dict[str, str] = {}
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as reviewer:
        for month, (place, state) in enumerate(states.items(), start=1):
            body = a_submission(period=f"2025-{month:02}", draft=state == "draft")
            answer = await unit.post(f"/plans/{XINMI}/submissions", json=body)
            made[place] = answer.json()["id"]
            if state == "approved":
                await reviewer.post(f"/submissions/{made[place]}/approve")
        await _open_periods(reviewer)
        owed = await reviewer.get(f"/plans/{XINMI}/obligations?page_size=1&organization_code=UN10")
        asked = {"name": "日历", "scope": "plan"}
        tokens = [
            (await reviewer.post(f"/plans/{XINMI}/calendar-tokens", json=asked)).json()
            for _ in range(2)
        ]
    async with door.client(door.admin_secret) as admin:
        spare = await admin.post("/api-keys", json={"name": "spare", "role": "leader"})
        system = await admin.post("/api-keys", json={"name": "system", "role": "leader"})
    before = {
        "progress": "accepted",
        "complete": "accepted",
        "close": "completed",
        "return": "completed",
        "reopen": "closed",
        "extensions": "accepted",
        "evidence": "accepted",
    }
    due = "2026-10-31"  # before what the contract's examples ask for and grant
    milestones = {
        end: (await a_milestone_in(door, before.get(end, "assigned"), due_date=due)).json()["id"]
        for end in _ends(labels, "{milestone_id}")
    }
    extensions = {
        end: (await an_extension(door, due_date=due)).json()["id"]
        for end in _ends(labels, "{extension_id}")
    }
    await door.react()
    alert_id = await _alert(door)
    async with door.client(secrets["office"]) as office:
        imports = {
            end: await an_import(door, office, marked=end in {"marked.xlsx", "faults"})
            for end in _ends(labels, "{import_id}")
        }
    connectors = await connectors_named(door)
    rows = {end: await a_register_row(door) for end in _ends(labels, "{row_id}")}
    paper_id = await a_paper(door)
    # The last, for a pass of the worker would bring its operation to an end.
    named, altered = await _webhooks(door, secrets["office"])
    named |= {"conflict_id": await a_conflict(door), "paper_id": paper_id, "alert_id": alert_id}
    named |= {
        "milestone_conflict_id": await a_milestone_conflict(door),
        "register_row_conflict_id": await a_row_conflict(door),
        "observation_id": await an_observation(door),
        "link_id": (await a_board_link(door))["id"],
    }
    named |= {"token_id": tokens[0]["id"], "preview_id": await _preview(door, secrets["office"])}
    return Ground(
        secrets,
        [spare.json()["id"], await a_key(door)],
        dict.fromkeys(_ends(labels), made["history"]) | made,
        owed.json()["items"][0]["id"],
        milestones,
        extensions,
        named,
        altered,
        tokens[1]["path"].split("token=")[1],
        imports,
        await _evidence(
            door,
            made["evidence"],
            (milestones.get("evidence"), rows.get("evidence")),
            secrets["office"],
        ),
        {"client_id": system.json()["id"], "client_secret": system.json()["secret"]},
        await people_ground(door),
        await _platform(door),
        {name: (await a_partner(door)).id for name in ("revoke_partner", "rotate_partner_secret")},
        connectors,
        rows,
        await assessments_by_end(door, _ends(labels, "{assessment_id}")),
        {end: await an_appeal(door) for end in _ends(labels, "{appeal_id}")},
    )


async def _open_periods(reviewer: httpx.AsyncClient) -> None:
    """Open periods, and remind one unit of one of them."""
    in_time = {"due_date": (Clock.true_now() + timedelta(days=30)).date().isoformat()}
    for period in ("2024", "2025", _PERIODS["cancel"]):
        opened = await reviewer.post(f"/plans/{XINMI}/periods/{period}/open", json=in_time)
        assert opened.status_code == 200, opened.text
    first = {"organization_codes": ["UN10"]}  # the others are left to the operation itself
    told = await reviewer.post(f"/plans/{XINMI}/periods/2025/reminders", json=first)
    assert len(told.json()["items"]) == 1, told.text


async def _platform(door: Door) -> Platform:
    """Make a partner that has called."""
    platform = await a_partner(door)
    await called(door, platform, "list_indicators", plan=XINMI)
    await door.held.partners.note_use()
    return platform


async def _evidence(
    door: Door, submission_id: str, others: tuple[str | None, str | None], office: str
) -> dict[str, str]:
    """Add a file to a draft, make a link to it, and assign a target that one may be added to.

    `others` are a milestone and a row that get one, too.
    """
    milestone_id, row_id = others
    if milestone_id is not None:
        async with await door.as_("reporter", "UN10") as unit:
            assert (await added(unit, f"milestones/{milestone_id}")).status_code == 201
    await an_assigned_target(door, _ASSIGNED)
    evidence_id, link = await a_file_with_link(door, submission_id)
    async with door.client(office) as client:
        if row_id is not None:
            assert (await added(client, f"register-rows/{row_id}")).status_code == 201
        archive_id = await an_archive(door, client)
    return {"id": evidence_id, "link": link, "archive": archive_id}


def _ends(labels: Collection[str], about: str = "") -> set[str]:
    """Return the last parts of the paths that name what they are `about`."""
    return {label.rsplit("/", 1)[-1] for label in labels if about in label}


async def _preview(door: Door, office: str) -> str:
    """Try a batch that can be committed."""
    async with door.client(office) as client:
        tried = await client.post(
            f"/plans/{XINMI}/submissions/batch",
            params={"validate_only": "true"},
            json={"items": [a_submission(period="2025-12")]},
        )
    return str(tried.json()["preview"]["preview_id"])


async def _alert(door: Door) -> str:
    """Let the engine find a milestone of a lead that fell due long enough ago for the top level."""
    day = (Clock.true_now() - timedelta(days=25)).date()
    place = {"measure_code": "14.1", "organization_code": LEAD}
    await add(door.held.database, Milestone, due_date=day, original_due_date=day, **place)
    await door.held.database.pool.execute("UPDATE alert_evaluation SET evaluated_for = NULL")
    await door.sweep()
    told = {"rule": "milestone_due", "state": "open", "page_size": "500"}
    async with await door.as_("office") as office:
        found = await office.get(f"/plans/{XINMI}/alerts", params=told)
    # Which other milestones are told of hangs on the day.
    return next(
        str(one["id"])
        for one in found.json()["items"]
        if (one["organization_code"], one["due_date"]) == (LEAD, f"{day}")
    )


async def _webhooks(door: Door, office: str) -> tuple[dict[str, str], dict[str, str]]:
    """Make an endpoint with a delivery and an operation, and those that are to be altered."""
    path = "/webhook-endpoints"
    async with door.client(office) as client:

        async def made() -> str:
            answer = await client.post(path, json={"url": "https://example.org/"})
            return str(answer.json()["id"])

        altered = {
            f"{verb}_webhook_endpoint": await made() for verb in ("enable", "disable", "delete")
        }
        await client.post(f"{path}/{altered['enable_webhook_endpoint']}/disable")
        endpoint_id = await made()
        await client.post(f"{path}/{endpoint_id}/test")
        await door.react()
        listed = (await client.get(f"{path}/{endpoint_id}/deliveries")).json()["items"]
        since = {"since": door.held.clock.now().isoformat()}
        begun = await client.post(f"{path}/{endpoint_id}/replay", json=since)
    named = {
        "endpoint_id": endpoint_id,
        "delivery_id": listed[0]["id"],
        "operation_id": begun.json()["id"],
    }
    return named, altered
