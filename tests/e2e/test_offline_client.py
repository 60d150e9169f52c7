"""The sample client of docs/integrators: days offline, kills, and the office at the same time."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.doors import own_door as door
from tests.support.milestones import a_milestone_in
from tests.support.offline_client import NetworkGone, Phone, client_module
from tests.support.owner import as_owner
from tests.support.reported import a_period

__all__ = ["client_module", "door"]  # fixtures


_VALUES = ("1", "2", "3")
_NOTES = ("一", "二", "三")
_SAID = {
    "submission": {"value": _VALUES, "note": _NOTES},
    "milestone": {"percent": _VALUES, "narrative": _NOTES, "problems": _NOTES},
}
"""What anybody says of a draft, and of how far a milestone is."""


async def test_three_days_without_a_network(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    secret = await door.new_key("reporter", "UN15")
    phone = Phone(client_module, tmp_path / "phone.db", door, secret)
    await phone.sync()
    mine = phone.client.report("U08", "UN15", a_period(), value="40.65", note="初稿", draft=True)
    phone.killed()
    await phone.sync()
    await door.react()
    async with await door.as_("office") as office:
        changed = await office.patch(
            f"/submissions/{mine}", json={"note": "办公室"}, headers={"If-Match": "*"}
        )
        assert changed.status_code == 200, changed.text
    phone.client.edit(mine, value="41")
    phone.client.submit(mine)
    await phone.sync()
    await door.react()
    await phone.sync()
    known = phone.client.things("submission")[mine]
    assert (known["value"], known["note"], known["state"]) == ("41", "办公室", "submitted")
    assert phone.client.waiting() == []
    assert phone.client.results() == {}


async def test_a_phone_and_a_colleague_report_on_the_same_milestone(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    made = await a_milestone_in(door, "accepted", measure_code="5.1", organization_code="UN15")
    milestone, secret = made.json()["id"], await door.new_key("reporter", "UN15")
    phone = Phone(client_module, tmp_path / "phone.db", door, secret)
    await phone.sync()
    phone.client.progress(milestone, percent="20")
    await phone.sync()  # the log has not told of it yet: the phone goes on from what it said
    phone.client.progress(milestone, narrative="一处已建")
    await phone.sync()
    async with door.client(secret) as colleague:
        path = f"/milestones/{milestone}"
        own = (await colleague.get(path)).json()
        report = {"percent": "45", "narrative": own["narrative"], "problems": "缺车"}
        assert (await colleague.post(f"{path}/progress", json=report)).status_code == 200
        phone.client.progress(milestone, percent="60", next_steps="建第二处")
        phone.killed()
        await phone.sync()
        (result,) = phone.client.results().values()
        (conflict,) = phone.client.listed("milestone_conflicts")
        decide = f"/milestone-conflicts/{result['conflict_id']}/decide"
        assert (await colleague.post(decide, json={"take": "device"})).status_code == 200
        await door.react()
        await phone.sync()
        now = (await colleague.get(path)).json()
    (decided,) = phone.client.listed("milestone_conflicts")
    known = phone.client.things("milestone")[milestone]
    assert (own["percent"], own["narrative"]) == ("20", "一处已建")
    assert (conflict["device"], conflict["ledger"]) == ({"percent": "60"}, {"percent": "45"})
    assert (decided["state"], decided["taken"]) == ("decided", "device")
    said = ("percent", "narrative", "problems", "next_steps")
    assert [known[name] for name in said] == ["60", "一处已建", "缺车", "建第二处"]
    assert [now[name] for name in said] == [known[name] for name in said]
    assert phone.client.waiting() == []


async def test_a_phone_begins_anew_where_the_ledger_was_restored(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    phone = Phone(
        client_module, tmp_path / "phone.db", door, await door.new_key("reporter", "UN15")
    )
    await phone.sync()
    kept = phone.client.report("U08", "UN15", a_period(), value="1", draft=True)
    await phone.sync()
    await door.react()
    await phone.sync()
    lost = phone.client.report("U08", "UN15", a_period(), value="2", draft=True)
    await phone.sync()
    await door.react()
    await phone.sync()
    assert {kept, lost} <= phone.client.things("submission").keys()
    await _restore_as_before(door, lost)
    waits = phone.client.report("U08", "UN15", a_period(), value="3", draft=True)
    await phone.sync()
    await door.react()
    await phone.sync()
    assert {kept, waits} <= phone.client.things("submission").keys()
    assert lost not in phone.client.things("submission")
    assert phone.client.waiting() == []


async def _restore_as_before(door: Door, submission: str) -> None:
    """Leave the ledger as a backup has it that was taken before this submission."""
    pool = door.held.database.pool
    of_it = "SELECT id FROM event WHERE subject_id = $1"
    first = await pool.fetchval(
        f"SELECT min(position) FROM event_position WHERE event_id IN ({of_it})", submission
    )
    dsn = door.held.database.dsn
    await as_owner(dsn, "DELETE FROM event_position WHERE position >= $1", first)
    await pool.execute("UPDATE log_head SET position = $1", first - 1)
    for table, column in (("submission_history", "submission_id"), ("submission", "id")):
        await as_owner(dsn, f"DELETE FROM {table} WHERE {column}::text = $1", submission)


@dataclass
class Office:
    """The office, a colleague and two phones, who change the same things in an order of chance."""

    door: Door
    client: httpx.AsyncClient
    colleague: httpx.AsyncClient
    phones: list[Phone]
    draw: Random
    subjects: dict[str, str] = field(default_factory=dict)
    """What each is: two drafts and a milestone."""

    said: set[tuple[str, str, str]] = field(default_factory=set)
    unsent: dict[tuple[int, str, str], str] = field(default_factory=dict)
    """What phones said last of a field, by phone: until it is sent, they may say otherwise."""

    async def begin(self) -> None:
        """Let one phone make drafts and the office assign a milestone; everybody knows of them."""
        for phone in self.phones:
            await phone.sync()
        make = self.phones[0].client.report
        for _ in range(2):
            made = make("U08", "UN15", a_period(), value="0", note="零", draft=True)
            self.subjects[made] = "submission"
        promised = await a_milestone_in(
            self.door, "accepted", measure_code="5.1", organization_code="UN15"
        )
        self.subjects[promised.json()["id"]] = "milestone"
        await self.door.react()
        await self.everybody_syncs()

    async def move(self) -> None:
        """Let somebody change something, or a phone sync, fail or be killed."""
        phone = self.draw.choice(self.phones)
        subject, kind = self.draw.choice(list(self.subjects.items()))
        name, values = self.draw.choice(list(_SAID[kind].items()))
        chosen = self.draw.choice(values)
        match self.draw.randrange(5):
            case 0 | 1:
                say = phone.client.edit if kind == "submission" else phone.client.progress
                say(subject, **{name: chosen})
                self.unsent[self.phones.index(phone), subject, name] = chosen
            case 2:
                answer = await self._said_at_a_desk(subject, {name: chosen})
                assert answer.status_code == 200, answer.text
                self.said.add((subject, name, chosen))
            case 3:
                phone.killed()
            case _:
                await self._sync_somehow(phone)

    async def _said_at_a_desk(self, subject: str, said: dict[str, str]) -> httpx.Response:
        """Let the office change a draft, or a colleague report how far a milestone is."""
        if self.subjects[subject] == "submission":
            every = {"If-Match": "*"}
            return await self.client.patch(f"/submissions/{subject}", json=said, headers=every)
        now = (await self.colleague.get(f"/milestones/{subject}")).json()
        report = {name: now[name] for name in ("percent", "narrative", "problems")}
        path = f"/milestones/{subject}/progress"
        return await self.colleague.post(path, json={**report, **said})

    async def _sync_somehow(self, phone: Phone) -> None:
        left = [self.draw.choice(["never", "before", "after"])]
        if left != ["before"]:
            self._sent(phone)
        try:
            await phone.sync(lambda: left.pop() if left else "never")
        except NetworkGone:
            phone.killed()
        await self.door.react()

    def _sent(self, phone: Phone) -> None:
        number = self.phones.index(phone)
        for who, subject, name in [one for one in self.unsent if one[0] == number]:
            self.said.add((subject, name, self.unsent.pop((who, subject, name))))

    async def everybody_syncs(self) -> None:
        """Let all be sent and heard of."""
        for phone in self.phones:
            self._sent(phone)
        for _ in range(2):
            for phone in self.phones:
                await phone.sync()
            await self.door.react()
        for phone in self.phones:
            await phone.sync()

    async def kept(self, subject: str) -> list[dict[str, Any]]:
        """Return everything that is kept of a thing: each version, and both sides of conflicts."""
        kind = self.subjects[subject]
        history = await self.client.get(f"/{kind}s/{subject}/history?page_size=500")
        listed = "conflicts" if kind == "submission" else "milestone-conflicts"
        found = await self.client.get(f"/plans/{XINMI}/{listed}?page_size=500")
        conflicts = [one for one in found.json()["items"] if one[f"{kind}_id"] == subject]
        return [
            *(change["after"] for change in history.json()["items"]),
            *(one[side] for one in conflicts for side in ("device", "ledger")),
        ]


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_lost_or_done_at_the_same_time_each_write_is_taken_once(
    door: Door, client_module: ModuleType, tmp_path: Path, seed: int
) -> None:
    secret = await door.new_key("reporter", "UN15")
    phones = [Phone(client_module, tmp_path / f"{one}.db", door, secret) for one in "ab"]
    async with await door.as_("office") as client, door.client(secret) as colleague:
        draw = Random(seed)  # noqa: S311 (played again by its seed)
        world = Office(door, client, colleague, phones, draw)
        await world.begin()
        for _ in range(36):
            await world.move()
        await world.everybody_syncs()
        for subject, kind in world.subjects.items():
            told = await world.kept(subject)
            for _, name, chosen in (one for one in world.said if one[0] == subject):
                assert any(one.get(name) == chosen for one in told), (seed, name, chosen)
            now = (await client.get(f"/{kind}s/{subject}")).json()
            for phone in phones:
                assert phone.client.things(kind)[subject]["version"] == now["version"]
    for phone in phones:
        assert phone.client.waiting() == []
        outcomes = {one["outcome"] for one in phone.client.results().values()}
        assert outcomes <= {"conflict"}, phone.client.results()
