"""A phone, as tests hold one: it makes its own ids and sends what it wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from tests.support.api import XINMI, Door, a_submission
from tests.support.milestones import a_milestone_in
from tests.support.registers import KEEPER, added_row
from tests.support.reported import a_period

Write = dict[str, Any]


def a_write(kind: str, subject: str, **more: Any) -> Write:
    """Return a write of a kind on a submission, a milestone or a row of a register."""
    of = {"milestone": "milestone_id", "register_row": "row_id"}
    named = of.get(kind.partition(".")[0], "submission_id")
    return {"id": str(new_id()), "kind": kind, named: subject, **more}


def a_creation(*, claimed_at: datetime | None = None, **changes: Any) -> Write:
    """Return a write that makes a submission, by an id of its own."""
    changes = {"period": a_period(), **changes}
    claimed = {} if claimed_at is None else {"claimed_at": claimed_at.isoformat()}
    return a_write("submission.create", str(new_id()), data=a_submission(**changes), **claimed)


@dataclass
class Device:
    """What a phone knows: where it is in the log, and the lists that it has by digest."""

    client: httpx.AsyncClient
    position: int | None = None
    known: dict[str, str] = field(default_factory=dict)

    async def send(self, *writes: Write) -> httpx.Response:
        """Send writes and ask for nothing to be forgotten; the answer is not taken in."""
        body: dict[str, Any] = {"plan": XINMI, "writes": list(writes), "known": self.known}
        if self.position is not None:
            body["position"] = self.position
        return await self.client.post("/sync", json=body)

    async def sync(self, *writes: Write) -> dict[str, Any]:
        """Send writes and take in the answer."""
        answer = await self.send(*writes)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        self.position = told["position"]
        for name in (
            "obligations",
            "todo",
            "alerts",
            "conflicts",
            "milestone_conflicts",
            "register_row_conflicts",
            "refused",
        ):
            if told[name] is not None:
                self.known[name] = told[name]["digest"]
        return told


async def a_conflict(door: Door) -> str:
    """Return the id of a conflict: a device and the office changed the same value."""
    async with await door.as_("reporter", "UN10") as unit, await door.as_("office") as office:
        device, made = Device(unit), a_creation(organization_code="UN10", draft=True)
        subject = made["submission_id"]
        await device.sync(made)
        path, said = f"/submissions/{subject}", {"value": "1"}
        changed = await office.patch(path, json=said, headers={"If-Match": "*"})
        assert changed.status_code == 200, changed.text
        write = a_write("submission.edit", subject, base_version=1, data={"value": "2"})
        (result,) = (await device.sync(write))["results"]
    return str(result["conflict_id"])


async def a_milestone_conflict(door: Door) -> str:
    """Return the id of a conflict: a device and a colleague reported the same field."""
    due = (Clock.true_now() + timedelta(days=90)).date().isoformat()
    promised = (await a_milestone_in(door, "accepted", due_date=due)).json()
    async with await door.as_("reporter", promised["organization_code"]) as unit:
        path = f"/milestones/{promised['id']}/progress"
        reported = await unit.post(path, json={"percent": "30"})
        assert reported.status_code == 200, reported.text
        write = a_write(
            "milestone.progress",
            promised["id"],
            base_version=promised["version"],
            data={"percent": "55"},
        )
        (result,) = (await Device(unit).sync(write))["results"]
    assert result["outcome"] == "conflict", result
    return str(result["conflict_id"])


async def a_row_conflict(door: Door) -> str:
    """Return the id of a conflict: a device and a colleague changed the same column of a row."""
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        changed = await unit.patch(
            f"/register-rows/{row['id']}",
            json={"values": {"enterprise": "同事写的名称"}},
            headers={"If-Match": "*"},
        )
        assert changed.status_code == 200, changed.text
        said = {"values": {"enterprise": "手机写的名称"}}
        write = a_write("register_row.edit", row["id"], base_version=1, data=said)
        (result,) = (await Device(unit).sync(write))["results"]
    assert result["outcome"] == "conflict", result
    return str(result["conflict_id"])


def conflict_path(result: Mapping[str, Any]) -> str:
    """Return where the conflict of a write is read, behind `/v1`: by what the answer says alone."""
    return str(result["conflict"]["href"]).removeprefix("/v1")


async def drafted(device: Device, **changes: Any) -> str:
    """Return the id of a draft that a device made, at version 1."""
    write = a_creation(draft=True, note="起初", source="台账", **changes)
    (result,) = (await device.sync(write))["results"]
    assert (result["outcome"], result["version"]) == ("applied", 1), result
    return str(result["subject_id"])
