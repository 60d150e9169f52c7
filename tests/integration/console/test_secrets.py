"""`wufei secrets rotate`: all that is sealed is sealed anew, whatever happens meanwhile."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import LargeBinary

from services.core.identity.actor import operator
from services.core.identity.queries import token_keys
from services.core.identity.signing_keys import can_sign
from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal, new_seal_key
from services.core.packages.lifecycle import PeerRequest, register_peer
from services.core.people.providers import token_context
from services.core.people.second_factor import pending_context, totp_context
from services.core.people.users import create_user
from services.core.registry import metadata
from services.core.resealing import service as resealing
from services.core.resealing.columns import SEALED, SealedColumn
from services.core.resealing.service import reseal
from services.core.webhooks.signing import SigningKey
from tests.support.api import ROOT, XINMI, Door, open_door
from tests.support.connectors import a_connector
from tests.support.gateways import a_partner
from tests.support.people import a_provider
from tests.support.waiting import all_wait

OLD, NEW = new_seal_key(), new_seal_key()
URLS = SEALED[0]
CITY = "410183"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API with endpoints that were sealed with the old key."""
    async with open_door(database_url, environment={"WUFEI_SECRET_KEY": OLD}) as opened:
        async with await opened.as_("office") as office:
            for number in range(3):
                made = await _endpoint(office, number)
                assert made.status_code == 201, made.text
        await a_partner(opened)
        await a_partner(opened, "tif-sm")
        await _app_token(opened, UUID(await a_provider(opened)))
        await _connector(opened)
        await _package_peer(opened)
        assert await _token(opened), "there is a key that tokens are signed with"
        await _second_factors(opened)
        yield opened


async def _second_factors(door: Door) -> None:
    """Enter people who have a second factor, and another that they have not used yet."""
    old = Seal.read(OLD)
    async with door.held.database.transaction() as session:
        for number in range(3):
            person, _ = await create_user(
                session,
                username=f"user{number}",
                name="n",
                actor=operator(CITY),
                now=Clock.true_now(),
            )
            person.totp_sealed = old.seal(b"one", totp_context(person.id))
            person.totp_pending_sealed = old.seal(b"two", pending_context(person.id))


async def _connector(door: Door) -> None:
    """Make a connector whose secret was changed."""
    path = f"/connectors/{await a_connector(door)}/rotate-secret"
    async with door.client(door.admin_secret) as admin:
        assert (await admin.post(path, json={"secret": "another-secret"})).status_code == 200


async def _package_peer(door: Door) -> None:
    """Register another installation, with a secret that is shared."""
    shared = SigningKey("v1", b"a secret that two know well.").text
    async with door.held.database.transaction() as session:
        await register_peer(
            session,
            CITY,
            PeerRequest(XINMI, "zhengzhou", "xinmi", secret=shared),
            actor=operator(CITY),
            seal=Seal.read(OLD),
            now=Clock.true_now(),
        )


async def _app_token(door: Door, provider_id: UUID) -> None:
    """Keep a token of an app, as if it had been asked for one."""
    sealed = Seal.read(OLD).seal(b"an app token", token_context(provider_id))
    await door.held.database.pool.execute(
        "UPDATE sign_in_provider SET token_sealed = $2 WHERE id = $1", provider_id, sealed
    )


async def _token(door: Door) -> str:
    text, _ = await door.held.tokens.issue(
        city_code=CITY,
        key_id=new_id(),
        secret_prefix="wufei_410183_x",
        scopes=frozenset(),
        ends=Clock.true_now() + timedelta(hours=1),
    )
    return text


async def _endpoint(client: httpx.AsyncClient, number: int) -> httpx.Response:
    body = {"url": f"https://example.org/{number}", "headers": {"X-Token": f"token {number}"}}
    return await client.post("/webhook-endpoints", json=body)


async def _kept(door: Door, sealed: SealedColumn) -> dict[UUID, bytes]:
    rows = await door.held.database.pool.fetch(
        f"SELECT id, {sealed.column} FROM {sealed.table} WHERE {sealed.column} IS NOT NULL"
    )
    return {row["id"]: row[sealed.column] for row in rows}


async def _rotate(url: str, keys: str, *, cipher: str = "aes-256-gcm") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "secrets", "rotate"),
        env={
            **os.environ,
            "DATABASE_URL": url,
            "WUFEI_SECRET_KEY": keys,
            "WUFEI_SEAL_CIPHER": cipher,
        },
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    return process.returncode, said.decode() + complained.decode()


def test_every_sealed_column_is_listed() -> None:
    """A column of bytes is sealed, or it is known to be something else."""
    plain = {"secret_digest", "body_digest", "request_digest", "digest"}
    found = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.endswith("_sealed")
    }
    of_no_city = {("token_key", "private_key_sealed")}
    assert found == {(one.table, one.column) for one in SEALED} | of_no_city
    assert not {column for _, column in found} & plain


async def test_after_it_the_new_key_opens_everything_and_the_old_one_is_needed_no_more(
    door: Door, database_url: str
) -> None:
    before = {one: await _kept(door, one) for one in SEALED}
    status, said = await _rotate(database_url, f"{NEW},{OLD}")
    assert status == 0, said
    assert "webhook_endpoint.url_sealed: 3 sealed, 3 anew, 0 unreadable" in said
    new, old = Seal.read(NEW), Seal.read(OLD)
    for sealed in SEALED:
        after = await _kept(door, sealed)
        assert after.keys() == before[sealed].keys() != set()
        for identifier, value in after.items():
            context = sealed.context(identifier)
            assert new.unseal(value, context) == old.unseal(before[sealed][identifier], context)
    status, said = await _rotate(database_url, f"{NEW},{OLD}")
    assert (status, said.count("0 anew")) == (0, len(SEALED) + 1), said
    assert await _rotate(database_url, NEW, cipher="sm4-gcm") == (
        0,
        re.sub(r"(\d+) sealed, 0 anew", r"\1 sealed, \1 anew", said),
    )
    async with door.held.database.sessions() as session:
        (signing_key,) = await token_keys(session)
    assert can_sign(signing_key, Seal.read(NEW))
    assert Seal.read(NEW, "sm4-gcm").is_current(next(iter((await _kept(door, URLS)).values())))


async def test_what_no_key_opens_is_told_left_as_it_is_and_fails_it(
    door: Door, database_url: str
) -> None:
    await door.held.database.pool.execute("UPDATE webhook_secret SET secret_sealed = 'x'")
    status, said = await _rotate(database_url, f"{NEW},{OLD}")
    assert status == 1
    assert "webhook_secret.secret_sealed: 3 sealed, 0 anew, 3 unreadable" in said
    assert "3 were sealed with a key that WUFEI_SECRET_KEY does not name" in said
    assert set((await _kept(door, SEALED[2])).values()) == {b"x"}
    status, said = await _rotate(database_url, NEW)
    assert status == 1
    assert "url_sealed: 3 sealed, 0 anew, 0 unreadable" in said


async def test_a_value_that_is_changed_meanwhile_stays_as_it_was_changed(
    door: Door, database_url: str
) -> None:
    """Another has changed a row and not committed when all are read; then it commits, and wins."""
    changed = min(await _kept(door, URLS))
    seal = Seal.read(f"{NEW},{OLD}")

    async def resealed() -> resealing.Resealed:
        async with door.held.database.transaction() as session:
            return await reseal(session, URLS, CITY, seal, after=None)

    theirs = f"UPDATE webhook_endpoint SET url_sealed = 'theirs' WHERE id = '{changed}'"
    (done,) = await all_wait(database_url, resealed(), statement=theirs)
    assert (done.read, done.renewed, done.last) == (3, 3, None)
    after = await _kept(door, URLS)
    assert after.pop(changed) == b"theirs"
    assert all(seal.is_current(value) for value in after.values())


async def test_it_goes_on_where_a_part_ended(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "AT_ONCE", 2)
    seal = Seal.read(f"{NEW},{OLD}")
    parts: list[resealing.Resealed] = []
    after: UUID | None = None
    while not parts or after is not None:
        async with door.held.database.transaction() as session:
            parts.append(await reseal(session, URLS, CITY, seal, after=after))
        after = parts[-1].last
    assert [one.read for one in parts] == [2, 1]
    assert all(seal.is_current(value) for value in (await _kept(door, URLS)).values())


async def test_another_city_is_another_part(door: Door) -> None:
    async with door.held.database.transaction() as session:
        done = await reseal(session, URLS, "410184", Seal.read(NEW), after=new_id())
    assert done == resealing.Resealed()


@pytest.mark.usefixtures("door")
async def test_keys_from_a_file_are_as_good_and_both_are_one_too_many(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "keys"
    kept.write_text(f"{NEW},{OLD}\n", encoding="ascii")
    monkeypatch.setenv("WUFEI_SECRET_KEY_FILE", str(kept))
    status, said = await _rotate(database_url, "")
    assert status == 0, said
    status, said = await _rotate(database_url, NEW)
    assert status == 1
    assert "WUFEI_SECRET_KEY_FILE: " in said
    assert "leave one of the two out" in said
    kept.write_text("no key", encoding="ascii")
    status, said = await _rotate(database_url, "")
    assert (status, "WUFEI_SECRET_KEY_FILE" in said) == (1, True)
    assert "no key" not in said
