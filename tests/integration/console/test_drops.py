"""`wufei drop` and `wufei verify` of what lies in a folder, as processes."""

from pathlib import Path

from services.core.drops.drop_lines import name_of
from services.core.identity.actor import operator
from services.core.identity.giving import KeyRequest
from services.core.identity.service import create_key
from services.core.kit.file_store import DirectoryStore
from services.core.kit.ids import new_id
from services.worker.dropping import Dropping
from tests.integration.console.installation import at
from tests.support.commands import wufei
from tests.support.packages import Installation
from tests.support.reports import places
from tests.unit.scoring.builders import CITY, PLAN

__all__ = ["at"]  # fixtures


async def an_owner(at: Installation) -> str:
    request = KeyRequest(
        "drops", "integrator", scopes=("plan:read", "events:read", "webhooks:write"), city_code=CITY
    )
    async with at.database.transaction() as session:
        key, _ = await create_key(
            session, request=request, actor=operator(CITY), plan_codes=[PLAN], now=at.now
        )
    return str(key.id)


async def write(at: Installation, folder: Path) -> int:
    store = DirectoryStore(folder)
    return await Dropping(at.database, store, at.reports.clock, seal=at.seal).work_off()


async def test_a_drop_is_made_listed_written_again_and_closed(
    at: Installation, tmp_path: Path
) -> None:
    url, folder = at.database.dsn, ("--folder", "exchange")
    code, said = await wufei(url, "drop", "create", *folder, "--owner", await an_owner(at))
    assert (code, f"{CITY}/exchange" in said) == (0, True), said
    await at.approve(*places(2))
    assert await write(at, tmp_path) == 1
    code, said = await wufei(url, "drop", "list")
    assert (code, "exchange  active  1  " in said) == (0, True), said
    code, said = await wufei(url, "drop", "again", *folder, "1")
    assert (code, await write(at, tmp_path)) == (0, 1), said
    for arguments, told in (
        (("again", *folder, "7"), "number 7 is not kept"),
        (("close", "--folder", "nowhere"), "folder nowhere"),
        (("create", *folder, "--owner", await an_owner(at), "--type", "x"), "unknown-event-type"),
    ):
        code, said = await wufei(url, "drop", *arguments)
        assert (code, told in said) == (1, True), said
    code, said = await wufei(url, "drop", "close", *folder)
    assert code == 0, said
    await at.approve(places(3)[2])
    assert await write(at, tmp_path) == 0
    code, said = await wufei(url, "drop", "open", *folder, "--owner", str(new_id()))
    assert (code, "no such key" in said) == (1, True), said
    code, said = await wufei(url, "drop", "open", *folder, "--owner", await an_owner(at))
    assert (code, await write(at, tmp_path)) == (0, 1), said


async def test_a_folder_is_verified_without_a_database(at: Installation, tmp_path: Path) -> None:
    owner = await an_owner(at)
    code, said = await wufei(
        at.database.dsn, "drop", "create", "--folder", "exchange", "--owner", owner
    )
    assert code == 0, said
    for place in places(3):
        await at.approve(place)
        assert await write(at, tmp_path) == 1
    folder = tmp_path / CITY / "exchange"
    code, said = await wufei("", "verify", folder)
    assert (code, "Whole: folder of dropped files, 3 files" in said) == (0, True), said
    assert "signed by the key" in said
    code, said = await wufei("", "verify", folder / name_of(1))
    assert (code, "Whole: dropped file of events, " in said) == (0, True), said
    code, said = await wufei("", "verify", folder, "--public-key", "ab" * 32)
    assert (code, "the signature is not good" in said) == (1, True), said
    (folder / name_of(2)).unlink()
    (folder / name_of(3)).write_bytes(
        (folder / name_of(3))
        .read_bytes()
        .replace(b"submission.approved", b"submission.returned", 1)
    )
    code, said = await wufei("", "verify", folder)
    assert code == 1
    assert f"First fault: {name_of(3)} event:" in said
    assert "was altered" in said
    assert "number 2 is missing" in said
