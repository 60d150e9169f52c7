"""Events dropped as files: what a webhook hears, without a gap, whatever is killed meanwhile."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from uuid import UUID

import pytest
from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from services.console.ports import free_port
from services.core.drops.drop_lines import name_of, read_drop
from services.core.drops.errors import DropRefused
from services.core.drops.lifecycle import (
    close_drop,
    drop_of,
    open_drop,
    write_again,
)
from services.core.kit.database import connect
from services.core.kit.errors import InvalidInput
from services.core.kit.file_places import open_sink
from services.core.kit.file_store import DirectoryStore, FileStoreUnavailable
from services.worker.dropping import Dropping
from tests.simulation.cutting import MOMENTS, Scissors, Tape, places
from tests.simulation.wire import Wire
from tests.support.api import Door
from tests.support.endpoints import make_endpoint
from tests.support.locks import locked
from tests.support.reported import reported
from tests.support.s3 import BUCKET, serving_s3
from tests.support.sftp import Served, a_key, serving_sftp
from tests.worker.drops import CITY, STAMP, a_drop, an_owner, bodies, door, dropped, dropping
from tests.worker.running import a_worker, until

__all__ = ["door"]  # fixtures


async def test_what_a_webhook_hears_is_dropped_in_the_same_bytes(
    door: Door, tmp_path: Path
) -> None:
    owner, secret = await an_owner(door)
    async with door.client(secret) as client:
        endpoint = await make_endpoint(client)
    await door.react()
    await a_drop(door, owner)
    for _ in range(3):
        await reported(door)
        await door.react()
        await dropping(door, tmp_path).work_off()
    found = dropped(tmp_path)
    assert len(found) == 3
    sent = await door.held.database.pool.fetch(
        "SELECT b.body FROM webhook_delivery d JOIN webhook_body b"
        " ON b.city_code = d.city_code AND b.event_id = d.event_id"
        " WHERE d.city_code = $1 AND d.endpoint_id = $2 ORDER BY d.position",
        CITY,
        UUID(endpoint["id"]),
    )
    assert [row["body"] for row in sent][-len(bodies(found)) :] == bodies(found)
    assert len(bodies(found)) >= 3


async def test_a_unit_s_key_hears_of_its_own_and_types_narrow(door: Door, tmp_path: Path) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner, event_types=("submission.submitted",), plan_code="410183-2025")
    await reported(door)
    await door.react()
    assert await dropping(door, tmp_path).work_off() == 1
    assert all(b'"type":"submission.submitted"' in one for one in bodies(dropped(tmp_path)))
    assert await dropping(door, tmp_path).work_off() == 0, "nothing is new"


async def test_files_cover_the_log_from_the_beginning_whatever_is_not_for_them(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner, event_types=("submission.withdrawn",))
    begins = await door.held.database.pool.fetchval(
        "SELECT position FROM file_drop WHERE city_code = $1", CITY
    )
    for _ in range(2):
        quiet = await reported(door)
        await door.react()
        assert await dropping(door, tmp_path).work_off() == 0, "nothing of it is for a file"
        async with await door.as_("reporter", "UN15") as unit:
            answer = await unit.post(
                f"/submissions/{quiet['id']}/withdraw", json={"reason": "误报"}
            )
        assert answer.status_code == 200, answer.text
        await door.react()
        assert await dropping(door, tmp_path).work_off() == 1
    first = json.loads(next(iter(dropped(tmp_path).values())).splitlines()[0])
    assert first["after_position"] == begins


class Dying(DirectoryStore):
    """A store whose user dies as soon as the file is there."""

    @override
    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        await super().put(key, parts)
        raise RuntimeError("killed")


async def test_a_worker_that_dies_behind_its_file_is_repeated_with_the_same_bytes(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    await door.react()
    dying = Dropping(door.held.database, Dying(tmp_path), door.held.clock, seal=door.held.seal)
    with pytest.raises(RuntimeError):
        await dying.work_off()
    before = dropped(tmp_path)
    await reported(door)
    await door.react()
    await dropping(door, tmp_path).work_off()
    after = dropped(tmp_path)
    assert len(after) == 2
    assert {name: after[name] for name in before} == before


async def test_no_event_is_lost_or_dropped_twice_wherever_the_connection_is_lost(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)

    async def work(url: str) -> None:
        async with connect(url, size=2) as database:
            store = DirectoryStore(tmp_path)
            await Dropping(database, store, door.held.clock, seal=door.held.seal).work_off()

    url = door.held.database.dsn
    await reported(door)
    await door.react()
    async with Wire(url).open() as wire:
        wire.gate = tape = Tape()
        await work(wire.url)
    for moment in MOMENTS:
        for at in places(tape.words, len(moment)):
            await reported(door)
            await door.react()
            async with Wire(url).open() as wire:
                wire.gate = scissors = Scissors(at, moment)
                with suppress(OSError, SQLAlchemyError, PostgresError, InterfaceError):
                    await work(wire.url)
            await work(url)
            dropped(tmp_path)
            if scissors.cut is None:
                break
    events = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM event WHERE city_code = $1 AND type = 'submission.submitted'", CITY
    )
    told = [one for one in bodies(dropped(tmp_path)) if b'"submission.submitted"' in one]
    assert len(told) == len(set(told)) == events


async def test_a_bucket_takes_them_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    await door.react()
    async with serving_s3() as (url, bucket):
        for name, value in (
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "wufei"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "cn-north-1"),
        ):
            monkeypatch.setenv(name, value)
        bucket_sink = open_sink(f"s3://{BUCKET}/drops")
        dropper = Dropping(door.held.database, bucket_sink, door.held.clock, seal=door.held.seal)
        assert await dropper.work_off() == 1
        ((key, content),) = bucket.objects.items()
    assert key == f"drops/{CITY}/exchange/{name_of(1)}"
    assert not read_drop(content).faults


async def test_a_server_of_sftp_takes_them_too_once_it_is_there(door: Door, tmp_path: Path) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    await door.react()

    def dropper(at: Served) -> Dropping:
        sink = open_sink(at.url("/out"))
        return Dropping(door.held.database, sink, door.held.clock, seal=door.held.seal)

    away = Served(free_port(), tmp_path, tmp_path / "key", tmp_path / "known_hosts")
    a_key(away.key)
    away.known_hosts.touch()
    with pytest.raises(FileStoreUnavailable):
        await dropper(away).work_off()
    async with serving_sftp(tmp_path) as at:
        assert await dropper(at).work_off() == 1
        ((name, content),) = dropped(at.root / "out").items()
    assert name == name_of(1)
    assert not read_drop(content).faults


class Refusing(DirectoryStore):
    """A store that takes nothing into one folder."""

    @override
    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        if "/aaa/" in key:
            raise FileStoreUnavailable
        await super().put(key, parts)


async def test_a_folder_that_takes_nothing_keeps_no_other_waiting(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner, "aaa")
    await a_drop(door, owner)
    for number in (1, 2):
        await reported(door)
        await door.react()
        refusing = Dropping(
            door.held.database, Refusing(tmp_path), door.held.clock, seal=door.held.seal
        )
        with pytest.raises(FileStoreUnavailable):
            await refusing.work_off()
        assert len(dropped(tmp_path)) == number
    assert await dropping(door, tmp_path).work_off() == 2
    assert len(list((tmp_path / CITY / "aaa").iterdir())) == 2


async def test_the_bytes_of_old_files_go_though_their_drop_is_closed(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    await door.react()
    assert await dropping(door, tmp_path).work_off() == 1
    now = door.held.clock.true_now()
    async with door.held.database.transaction() as session:
        await close_drop(
            session, await drop_of(session, CITY, "exchange"), "manual", actor=STAMP, now=now
        )
    pool = door.held.database.pool
    for days, kept in ((89, True), (91, False)):
        made = now - timedelta(days=days)
        await pool.execute("UPDATE dropped_file SET made_at = $2 WHERE city_code = $1", CITY, made)
        await dropping(door, tmp_path).work_off()
        held = "SELECT content IS NOT NULL FROM dropped_file WHERE city_code = $1"
        assert await pool.fetchval(held, CITY) == kept, days


async def test_one_that_is_closed_goes_on_where_it_was_and_one_without_its_owner_ends(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    now = door.held.clock.true_now()
    async with door.held.database.transaction() as session:
        await close_drop(
            session, await drop_of(session, CITY, "exchange"), "manual", actor=STAMP, now=now
        )
    await reported(door)
    await door.react()
    assert await dropping(door, tmp_path).work_off() == 0
    async with door.held.database.transaction() as session:
        await open_drop(session, await drop_of(session, CITY, "exchange"), actor=STAMP, now=now)
    assert await dropping(door, tmp_path).work_off() == 1
    found = dropped(tmp_path)
    (tmp_path / CITY / "exchange" / name_of(1)).unlink()
    async with door.held.database.transaction() as session:
        drop = await drop_of(session, CITY, "exchange")
        await write_again(session, drop, 1)
        with pytest.raises(DropRefused):
            await write_again(session, drop, 9)
    assert await dropping(door, tmp_path).work_off() == 1
    assert dropped(tmp_path) == found
    async with door.client(door.admin_secret) as admin:
        assert (await admin.delete(f"/api-keys/{owner}")).is_success
    await dropping(door, tmp_path).work_off()
    state = "SELECT state, state_reason FROM file_drop WHERE city_code = $1"
    assert tuple(await door.held.database.pool.fetchrow(state, CITY)) == ("disabled", "owner-lost")


async def test_every_fault_is_told_at_once(door: Door) -> None:
    secret = await door.new_key("reporter", "UN15")
    async with door.client(secret) as client:
        reporter = UUID((await client.get("/me")).json()["credential_id"])
    with pytest.raises(InvalidInput) as told:
        await a_drop(
            door, reporter, folder="../x", plan_code="410183-1999", event_types=("submision.x",)
        )
    assert {fault.pointer for fault in told.value.faults} == {
        "/folder",
        "/owner",
        "/plan",
        "/event_types/0",
    }
    async with door.held.database.transaction() as session:
        with pytest.raises(DropRefused):
            await drop_of(session, CITY, "nowhere")


async def test_a_worker_process_that_is_killed_leaves_nothing_half_and_another_goes_on(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    settings = {"WUFEI_DROPS": str(tmp_path)}
    url = door.held.database.dsn

    async def waits() -> bool:
        return bool(
            await door.held.database.pool.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'wufei-worker' AND wait_event_type = 'Lock'"
            )
        )

    async with locked(door, "dropped_file", "SHARE"), a_worker(url, settings=settings) as worker:
        await until(waits)
        await worker.stop(SIGKILL)
    assert not (tmp_path / CITY).exists()
    async with a_worker(url, settings=settings) as worker:
        await worker.heard_saying("file dropped")
    first = dropped(tmp_path)
    assert bodies(first)
    await reported(door)
    async with a_worker(url, settings=settings) as worker:
        await worker.heard_saying("file dropped")
    assert {name: dropped(tmp_path)[name] for name in first} == first
