"""`wufei package` and `wufei verify` as processes, over a gap that a test carries files across."""

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

import asyncpg
import pytest

from services.console.settings import PROJECT
from services.core.packages.signing import own_key
from tests.support.owner import owner_of
from tests.support.packages import HERE, SEALS, SECRET, THERE, Gap, Installation, gap_between
from tests.support.reports import places
from tests.support.servers import Addresses
from tests.unit.scoring.builders import CITY, PLAN
from tests.worker.running import until

KEYS = {HERE: base64.b64encode(b"h" * 32).decode(), THERE: base64.b64encode(b"t" * 32).decode()}


async def begun(at: Installation | None, *arguments: str | Path) -> asyncio.subprocess.Process:
    """Begin a command at an installation; None: where there is no database."""
    there = (
        {} if at is None else {"DATABASE_URL": at.database.dsn, "WUFEI_SECRET_KEY": KEYS[at.name]}
    )
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", *map(str, arguments), "--language", "en"),
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": "", "WUFEI_SECRET_KEY": "", **there},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def wufei(at: Installation | None, *arguments: str | Path) -> tuple[int | None, str]:
    process = await begun(at, *arguments)
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, said.decode()


@pytest.fixture
async def gap(addresses: Addresses) -> AsyncIterator[Gap]:
    async with gap_between(addresses) as found:
        yield found


_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'wufei-console' AND wait_event_type = 'Lock'"
)


@asynccontextmanager
async def locked(at: Installation) -> AsyncIterator[None]:
    """Let an import wait before the last thing that it writes, when the figures are written."""
    connection = await asyncpg.connect(owner_of(at.database.dsn))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE carried_package IN SHARE MODE")
            yield
    finally:
        await connection.close()


def files_in(folder: Path, pattern: str = "*.zip") -> list[Path]:
    """Return the files of a folder by their names."""
    return sorted(folder.glob(pattern))


async def exported(gap: Gap, out: Path, number: int) -> list[Path]:
    """Export so many packages, of a figure each."""
    found: list[Path] = []
    for place in places(number):
        await gap.here.approve(place)
        code, said = await wufei(
            gap.here, "package", "export", "--plan", PLAN, "--peer", THERE, "--out", out
        )
        assert code == 0, said
        found.append(files_in(out)[-1])
    return found


def carried(files: list[Path], gate: Path) -> None:
    """Carry four packages over: the first is doubled, the second altered, the third lost."""
    gate.mkdir()
    for one in (files[0], files[1], files[3]):
        shutil.copy(one, gate)
    shutil.copy(files[0], gate / "again.zip")
    content = bytearray(files[1].read_bytes())
    content[content.index(b'"value"') + 10] ^= 1
    (gate / files[1].name).write_bytes(content)


async def test_one_lost_one_doubled_one_altered_and_the_receipts_close(
    gap: Gap, tmp_path: Path
) -> None:
    out, gate = tmp_path / "out", tmp_path / "gate"
    files = await exported(gap, out, 4)
    code, said = await wufei(None, "verify", out)
    assert (code, "Whole: folder of packages, 4 files" in said) == (0, True), said
    carried(files, gate)
    code, said = await wufei(None, "verify", gate)
    assert code == 1
    for told in (
        f"{files[1].name} data/items.ndjson:1: item 1 was altered",
        "number 1 is here twice, the other one is again.zip",
        "number 3 is missing",
    ):
        assert told in said, said
    code, said = await wufei(gap.there, "package", "import", *files_in(gate))
    assert code == 1
    for told in (
        "item 1 was altered",
        "again.zip: number 1, the next one",
        f"{files[0].name}: number 1 was taken in before; nothing is written twice",
        f"{files[3].name}: number 2, 3 is missing",
    ):
        assert told in said, said
    assert len(await gap.there.values()) == 1
    again = await exported_again(gap, tmp_path / "again", 2, 3)
    assert [one.read_bytes() for one in again] == [one.read_bytes() for one in files[1:3]]
    await the_rest_arrives(gap, [*again, files[3], files[0]], tmp_path / "receipts")


async def exported_again(gap: Gap, out: Path, *numbers: int) -> list[Path]:
    """Export packages once more, by their numbers."""
    for number in numbers:
        code, said = await wufei(
            *(gap.here, "package", "export", "--plan", PLAN, "--peer", THERE),
            *("--number", str(number), "--out", out),
        )
        assert code == 0, said
    return files_in(out)


async def the_rest_arrives(gap: Gap, files: list[Path], receipts: Path) -> None:
    """Try what was lost and the rest, take it in, and carry the receipts back."""
    before = await gap.there.counted()
    code, said = await wufei(gap.there, "package", "import", "--dry-run", *files)
    assert (code, said.count("1 new"), "nothing was written" in said) == (0, 4, True), said
    assert await gap.there.counted() == before
    code, said = await wufei(gap.there, "package", "import", "--receipts", receipts, *files)
    assert (code, said.count("1 new")) == (0, 4), said
    assert [value[2] for value in (await gap.there.values()).values()] == [1, 1, 1, 1]
    code, said = await wufei(gap.here, "package", "list")
    assert said.count("not answered") == 4, said
    code, said = await wufei(None, "verify", files_in(receipts)[1])
    assert (code, "Whole: receipt, 1 items" in said) == (0, True), said
    code, said = await wufei(gap.here, "package", "receipt", *files_in(receipts))
    assert (code, said.count("is answered and closed")) == (0, 4), said
    code, said = await wufei(gap.here, "package", "list")
    assert (said.count("not answered"), said.count("1 new")) == (0, 4), said


async def test_a_package_that_could_not_be_written_is_what_the_next_export_begins_with(
    gap: Gap, tmp_path: Path
) -> None:
    first, second = places(2)
    await gap.here.approve(first)
    (tmp_path / "a-file").touch()
    export = ("package", "export", "--plan", PLAN, "--peer", THERE, "--out")
    for _ in range(2):
        code, said = await wufei(gap.here, *export, tmp_path / "a-file" / "disc")
        assert (code, "number 1 is made and kept" in said) == (1, True), said
    code, said = await wufei(gap.here, "package", "list")
    assert (code, said.count("not written yet")) == (0, 1), said
    await gap.here.approve(second)
    code, said = await wufei(gap.here, *export, tmp_path, "--dry-run")
    assert (code, "Dry run: number 1 with 1 items" in said) == (0, True), said
    code, said = await wufei(gap.here, *export, tmp_path)
    assert (code, said.count("number ")) == (0, 2), said
    code, said = await wufei(None, "verify", tmp_path)
    assert (code, "Whole: folder of packages, 2 files" in said) == (0, True), said
    code, said = await wufei(gap.here, *export, tmp_path)
    assert (code, "Nothing is new" in said) == (0, True), said
    code, said = await wufei(gap.here, "package", "list")
    assert (code, said.count("not answered")) == (0, 2), said


async def test_an_import_whose_receipt_could_not_be_written_writes_it_the_next_time(
    gap: Gap, tmp_path: Path
) -> None:
    (file,) = await exported(gap, tmp_path, 1)
    (tmp_path / "a-file").touch()
    code, said = await wufei(
        gap.there, "package", "import", "--receipts", tmp_path / "a-file" / "disc", file
    )
    assert (code, "cannot write" in said) == (1, True), said
    code, said = await wufei(gap.there, "package", "import", "--receipts", tmp_path, file)
    assert (code, len(files_in(tmp_path, "wufei-receipt_*"))) == (0, 1), said


async def test_an_import_that_is_killed_has_written_nothing_and_goes_on(
    gap: Gap, tmp_path: Path
) -> None:
    (file,) = await exported(gap, tmp_path, 1)
    before = await gap.there.counted()
    async with locked(gap.there):
        process = await begun(gap.there, "package", "import", file)

        async def waits() -> bool:
            return bool(await gap.there.database.pool.fetchval(_WAITING))

        await until(waits)
        process.send_signal(SIGKILL)
        await process.wait()
    assert await gap.there.counted() == before
    assert files_in(tmp_path, "wufei-receipt_*") == []
    code, said = await wufei(gap.there, "package", "import", file)
    assert (code, "1 new" in said) == (0, True), said
    assert len(files_in(tmp_path, "wufei-receipt_*")) == 1


async def test_an_installation_is_registered_and_told_what_to_tell(
    gap: Gap, tmp_path: Path
) -> None:
    place = ("--plan", PLAN, "--own", HERE, "--peer", "kaifeng")
    code, said = await wufei(gap.here, "package", "peer", *place, "--new-secret")
    assert code == 0, said
    assert str(own_key(SEALS[HERE]).public_text) in said
    assert "whsec_" in said
    secret = tmp_path / "secret"
    secret.write_text("whsec_x", encoding="ascii")
    code, said = await wufei(
        gap.here, "package", "peer", *place, "--secret-file", secret, "--public-key", "x"
    )
    assert (code, "/secret" in said, "/public_keys/0" in said) == (1, True, True), said
    code, said = await wufei(
        gap.here, "package", "export", "--plan", PLAN, "--peer", "nobody", "--out", tmp_path
    )
    assert (code, "no nobody is registered" in said) == (1, True), said


async def test_a_file_is_verified_with_the_keys_that_are_trusted(gap: Gap, tmp_path: Path) -> None:
    (file,) = await exported(gap, tmp_path, 1)
    public = str(own_key(SEALS[HERE]).public_text)
    code, said = await wufei(None, "verify", file)
    assert (code, f"signed by the key {public}" in said) == (0, True), said
    secret = tmp_path / "secret"
    secret.write_text(SECRET.text, encoding="ascii")
    keys = ("--public-key", public, "--secret-file", secret)
    code, said = await wufei(None, "verify", file, *keys)
    assert (code, "Whole: package, 1 items" in said, "signed by" in said) == (0, True, False), said
    code, said = await wufei(None, "verify", file, "--public-key", "ab" * 32)
    assert (code, "signature.txt" in said) == (1, True), said
    for path, told in ((tmp_path / "nothing", "cannot read"), (secret, "no kind of file")):
        code, said = await wufei(None, "verify", path)
        assert (code, told in said) == (1, True), said
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    code, said = await wufei(None, "verify", file)
    assert (code, "First fault: ZIP" in said) == (1, True), said


async def test_an_export_of_the_audit_is_known_too(gap: Gap, tmp_path: Path) -> None:
    out = tmp_path / "audit.ndjson"
    code, said = await _audit_export(gap.here, out)
    assert code == 0, said
    code, said = await wufei(None, "verify", out)
    assert (code, "Whole: export of an audit" in said) == (0, True), said


async def _audit_export(at: Installation, out: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "audit", "export", "--city", CITY),
        *("--out", str(out)),
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": at.database.dsn, "WUFEI_SECRET_KEY": KEYS[at.name]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()
