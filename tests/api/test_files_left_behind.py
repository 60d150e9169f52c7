"""A cut between a file and its row loses neither, and what nobody can reach goes within a day."""

import asyncio
from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.console.commands.files import own_store
from services.console.doctor.files import files
from services.core.evidence import queries
from services.core.evidence.keeping import SWEPT_EVERY, UNCLAIMED, Swept
from services.core.evidence.ownership import own
from services.core.evidence.statements import THIS_DATABASE
from services.core.kit.clock import Clock
from tests.support.api import Door
from tests.support.evidence import PDF, TEXT, UNIT, Later, a_draft, added, files_below, filing
from tests.support.owner import owner_of


async def waits(door: Door) -> int:
    """Return the process of the database in which a request waits for a lock."""
    wanted = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'wufei-api' AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while (found := await door.held.database.pool.fetchval(wanted)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return int(found)


@pytest.mark.parametrize("cut", ["request", "connection"])
async def test_a_file_without_its_row_is_kept_a_while_and_then_dropped(
    door: Door, cut: str
) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        good = (await added(unit, f"submissions/{draft}", TEXT, "好.txt")).json()
        holder = await asyncpg.connect(door.held.database.dsn)
        before = {one.name for one in files_below(door)}
        async with holder.transaction():
            await holder.execute("LOCK TABLE evidence_file IN ACCESS EXCLUSIVE MODE")
            sending = asyncio.create_task(added(unit, f"submissions/{draft}", PDF))
            pid = await waits(door)
            if cut == "request":
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            else:
                await holder.execute("SELECT pg_terminate_backend($1)", pid)
                assert (await sending).status_code == 503
        await holder.close()
        (left,) = {one.name for one in files_below(door)} - before
        listed = (await unit.get(f"/submissions/{draft}/evidence")).json()["items"]
        assert [one["id"] for one in listed] == [good["id"]]
        history = (await unit.get(f"/submissions/{draft}/history")).json()["items"]
        assert [one["action"] for one in history] == ["created", "evidence_added"]

        assert (await filing(door, Clock()).sweep()).removed == 0
        assert left in {one.name for one in files_below(door)}
        assert (await filing(door, Later()).sweep()).removed == 1
        assert {one.name for one in files_below(door)} == before
        # Once more: nothing is dropped twice, and what has its row is still there.
        assert (await filing(door, Later()).sweep()).removed == 0
        assert (await unit.get(f"/evidence/{good['id']}/content")).content == TEXT
    assert timedelta(days=1) > UNCLAIMED + SWEPT_EVERY


async def test_what_was_removed_goes_and_drafts_of_dead_processes_too(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
        kept = (await added(unit, f"submissions/{draft}", TEXT, "好.txt")).json()
        (place,) = [one for one in files_below(door) if one.name == made["id"]]
        await unit.delete(f"/evidence/{made['id']}")
        dead = place.with_name(f".{made['id']}.{kept['id']}")
        await asyncio.to_thread(dead.write_bytes, b"half")
        stranger = place.with_name("README")
        await asyncio.to_thread(stranger.write_text, "not ours")
        assert (await filing(door, Later()).sweep()).removed == 2
        left = {one.name for one in files_below(door)}
        assert left >= {kept["id"], "README"}
        assert not left & {made["id"], dead.name}
        await asyncio.to_thread(stranger.unlink)


async def test_a_copy_of_the_database_drops_nothing_until_it_is_said_to_go_on(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store: Any = door.held.files
    place, dsn = str(store._folder), door.held.database.dsn
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
        await unit.delete(f"/evidence/{made['id']}")
    orphans = {made["id"]}
    # Whoever has restored a dump has another database, of which the store knows nothing.
    await own(store, "another")
    with caplog.at_level("WARNING", "wufei.worker"):
        assert await filing(door, Later()).sweep() == Swept()
    assert [one.getMessage() for one in caplog.records] == ["files of another database"]
    assert orphans <= {one.name for one in files_below(door)}
    told = await files(dsn, place)
    assert not told.good
    assert told.todo is not None
    assert "wufei files own" in told.todo.en
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("WUFEI_FILES", place)
    assert await asyncio.to_thread(own_store, Namespace()) == 0
    assert await asyncio.to_thread(own_store, Namespace()) == 0
    assert (await files(dsn, place)).good
    assert (await filing(door, Later()).sweep()).removed == 1
    assert not orphans & {one.name for one in files_below(door)}


async def test_a_table_that_was_made_anew_is_of_another_database(door: Door) -> None:
    dsn = door.held.database.dsn
    async with door.held.database.sessions() as session:
        ours = await queries.this_database(session)
    connection = await asyncpg.connect(owner_of(dsn))
    try:
        assert await connection.fetchval(THIS_DATABASE.text) == ours
        async with connection.transaction():  # what restoring a dump into it does
            await connection.execute("ALTER TABLE evidence_file RENAME TO dumped")
            await connection.execute("CREATE TABLE evidence_file (LIKE dumped)")
            restored = await connection.fetchval(THIS_DATABASE.text)
            await connection.execute("DROP TABLE evidence_file")
            await connection.execute("ALTER TABLE dumped RENAME TO evidence_file")
    finally:
        await connection.close()
    same = slice(0, 3)
    assert restored.split("/")[same] == ours.split("/")[same]
    assert restored != ours


async def test_the_doctor_names_the_files_that_are_lost(door: Door, tmp_path: Path) -> None:
    store: Any = door.held.files
    place = str(store._folder)
    dsn = door.held.database.dsn
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
    assert (await files(dsn, place)).good
    (lost,) = [one for one in files_below(door) if one.name == made["id"]]
    await asyncio.to_thread(lost.unlink)
    found = await files(dsn, place)
    assert not found.good
    assert made["id"] in found.seen.en
    assert found.todo is not None
    away = tmp_path / "away"
    away.write_text("no directory")
    assert not (await files(dsn, str(away / "files"))).good
    assert (await files(dsn, None)).good


def _broken(folder: Path) -> None:
    """Leave a folder that no file can be kept below, even by root."""
    folder.symlink_to(folder.parent / "nothing" / "there")


async def test_the_doctor_tries_whether_the_store_takes_files(
    door: Door, tmp_path: Path, database_url: str
) -> None:
    """Nothing on record is no reason to say that all is well."""
    for place in ("/proc/nowhere", "/proc/nowhere/below"):
        found = await files(database_url, place)
        assert (found.good, found.todo is not None) == (False, True)
        assert "files every" not in found.seen.en
    await asyncio.to_thread(_broken, tmp_path / "linked")
    assert not (await files(database_url, str(tmp_path / "linked"))).good
    fresh = tmp_path / "not" / "yet"
    assert (await files(database_url, str(fresh))).good
    assert not (tmp_path / "not").exists(), "made by the doctor's user it would not be the API's"
    fresh.mkdir(parents=True)
    assert (await files(database_url, str(fresh))).good
    assert [*fresh.iterdir()] == []
    # With a file on record a folder that is not there is no loss of files yet.
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        await added(unit, f"submissions/{draft}")
    unmounted = await files(door.held.database.dsn, str(tmp_path / "unmounted"))
    assert unmounted.todo is not None
    assert "not mounted" in unmounted.todo.en


async def test_what_the_store_refuses_is_in_the_log_of_the_api(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    store: Any = door.held.files
    draft, folder = await a_draft(door), store._folder
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
        store._folder = Path("/proc/nowhere")
        try:
            refused = await added(unit, f"submissions/{draft}")
            missing = await unit.get(f"/evidence/{made['id']}/content")
        finally:
            store._folder = folder
    assert (refused.status_code, refused.json()["code"]) == (503, "file-store-unavailable")
    assert (missing.status_code, missing.json()["code"]) == (503, "file-missing")
    said = {one.getMessage(): one.__dict__ for one in caplog.records}
    assert "/proc/nowhere" in said["file store unavailable"]["cause"]
    assert said["file missing"]["request_id"] == missing.headers["X-Request-Id"]
