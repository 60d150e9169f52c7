"""`wufei audit verify` and `export` as processes: what they say, and with what they end."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from services.core.audit import linking
from services.core.kit.database import Database, connect
from services.core.kit.sealing import Seal, new_seal_key
from services.core.kit.signatures import Signer
from tests.integration.audit.conftest import CITY, happen, keep_head, link
from tests.support.api import ROOT
from tests.support.owner import as_owner

KEY = new_seal_key()
SIGNER = Signer(Seal.read(KEY), linking.PURPOSE)
PUBLIC = SIGNER.public_keys[0].hex()


async def _audit(*arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "audit", *arguments),
        env={**os.environ, "WUFEI_SECRET_KEY": "", "DATABASE_URL": "", **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def _ledger(database: Database) -> None:
    """Six links behind a signed head, and one more."""
    await database.pool.execute("INSERT INTO city VALUES ($1, '新密市')", CITY)
    await happen(database, 3)
    await link(database)
    assert await keep_head(database, signer=SIGNER) == 1
    await happen(database, 1)
    await link(database)


@pytest.mark.parametrize("variable", ["WUFEI_SECRET_KEY", "WUFEI_SECRET_KEY_FILE"])
async def test_what_is_whole_is_verified_exported_signed_and_verified_again(
    database_url: str, tmp_path: Path, variable: str
) -> None:
    kept, out, noted = tmp_path / "keys", tmp_path / "audit.ndjson", f"6:{'0' * 64}"
    kept.write_text(KEY, encoding="ascii")
    environment = {variable: KEY if variable == "WUFEI_SECRET_KEY" else str(kept)}
    async with connect(database_url, size=2) as database:
        await _ledger(database)
        there = {**environment, "DATABASE_URL": database_url}
        verify, file = ("verify", "--language", "en"), ("--file", str(out))
        code, said = await _audit(*verify, **there)
        assert (code, "whole up to number 8" in said, PUBLIC in said) == (0, True, True), said
        assert "No public key was given" not in said, "our own counts"
        code, said = await _audit("export", "--city", CITY, "--out", str(out), **there)
        assert (code, said) == (0, "")
        code, said = await _audit(*verify, *file, **environment)
        assert (code, "2 signed heads; the last is of" in said) == (0, True), said
        code, said = await _audit(*verify, *file, "--head", noted)
        assert (code, "a head that was noted elsewhere" in said) == (1, True), said
        code, said = await _audit(*verify, *file, WUFEI_SECRET_KEY=new_seal_key())
        assert (code, "its signature is not good" in said) == (1, True), said
        assert f"signed by {PUBLIC}" in said, "a key that was replaced is told by its name"
        out.write_bytes(out.read_bytes().replace(b'"value": "1.50"', b'"value": "1.51"', 1))
        code, said = await _audit(*verify, *file)
        assert (code, "number 1, row" in said, "was altered" in said) == (1, True, True), said
        swapped = "UPDATE audit_link SET digest = row_digest WHERE number = 5"
        await as_owner(database.dsn, swapped)
        code, said = await _audit(*verify, **there)
        assert (code, "number 5, row" in said) == (1, True), said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("verify", "--head", "6"), "6 is no head"),
        (("verify", "--public-key", "x"), "x is no public key"),
        (("verify", "--file", "/nowhere"), "cannot read /nowhere"),
        (("verify", "--city", "999999"), "there is no city 999999"),
    ],
)
async def test_what_cannot_be_is_told_in_a_line(
    module_database_url: str, arguments: tuple[str, ...], told: str
) -> None:
    code, said = await _audit(*arguments, DATABASE_URL=module_database_url)
    assert (code, said.count("\n"), told in said) == (1, 1, True), said
