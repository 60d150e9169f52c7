"""A primary with a replica: what is read where, restoring to an instant, and taking over.

One pair of servers for all of it; the last test kills the primary.
"""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from signal import SIGKILL
from typing import Any

import asyncpg
import httpx
import pytest

from services.api.reading import POSITION
from services.core.kit.clock import Clock
from services.core.scoring.service import recompute_plan
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.replication import Pair, replicating

SUBMISSIONS = f"/plans/{XINMI}/submissions"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Pair]:
    async with replicating() as made:
        yield made


@pytest.fixture(scope="module")
async def door(pair: Pair) -> AsyncIterator[Door]:
    """The API with a replica that may be as far behind as a test holds it."""
    environment = {"database_replica_url": pair.standby.url, "WUFEI_REPLICA_LAG": "300"}
    async with open_door(pair.primary.url, environment=environment) as opened:
        yield opened


def place() -> dict[str, Any]:
    """Return a submission for a place of its own."""
    number = next(_NUMBERS)
    return dict(a_submission(period=f"{2024 + number // 12}-{1 + number % 12:02}", draft=True))


def wal_of(answer: httpx.Response) -> int:
    """Return the place of the WAL that an answer names, in bytes."""
    high, low = answer.headers[POSITION].split("/")
    return (int(high, 16) << 32) + int(low, 16)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 (no event crosses servers)
            await asyncio.sleep(0.02)


async def used_again(door: Door) -> None:
    """Wait until all replicas of a door are recent, and what its callers have seen is old."""
    await until(lambda: all(one.set_aside is None for one in door.held.reads.replicas))
    door.held.reads._seen.clear()


@asynccontextmanager
async def standing_still(pair: Pair, door: Door) -> AsyncIterator[None]:
    """Let the replica replay nothing; it goes on and catches up at the end."""
    await pair.caught_up()
    await used_again(door)
    await pair.tell(pair.standby, "SELECT pg_wal_replay_pause()")
    try:
        await pair.waits(pair.standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
        yield
    finally:
        await pair.tell(pair.standby, "SELECT pg_wal_replay_resume()")
        await pair.caught_up()


async def servers_read(door: Door) -> dict[str, float]:
    """Return how many requests each server has answered, as the metrics say it."""
    async with door.client(None) as client:
        lines = (await client.get("http://wufei.test/metrics")).text.splitlines()
    read = [line.split(" ") for line in lines if line.startswith("wufei_reads_total{")]
    return {name.split('"')[1]: float(number) for name, number in read}


async def read_where(door: Door, asked: httpx.AsyncClient, path: str, **headers: str) -> str:
    """Return which server answered a GET."""
    before = await servers_read(door)
    answer = await asked.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    after = await servers_read(door)
    (server,) = [name for name in after if after[name] != before.get(name, 0)]
    return "primary" if server == "primary" else "replica"


async def replica_answers(door: Door, asked: httpx.AsyncClient, path: str, **headers: str) -> None:
    """Wait until the replica answers a GET: on a busy machine it may be set aside for a moment."""
    async with asyncio.timeout(60):
        while await read_where(door, asked, path, **headers) != "replica":
            await used_again(door)


async def test_who_wrote_reads_it_at_once_and_others_when_the_replica_has_it(
    pair: Pair, door: Door
) -> None:
    async with await door.as_("office") as writer, await door.as_("leader") as other:
        async with standing_still(pair, door):
            await replica_answers(door, other, "/me")
            made = await writer.post(SUBMISSIONS, json=place())
            own = f"/submissions/{made.json()['id']}"
            assert await read_where(door, writer, own) == "primary"
            # Another process knows nothing of the caller, who says what it has seen.
            door.held.reads._seen.clear()
            seen = {POSITION: made.headers[POSITION]}
            assert await read_where(door, writer, own, **seen) == "primary"
            assert (await other.get(own, headers=seen)).status_code == 200
            door.held.reads._seen.clear()
            assert (await other.get(own)).status_code == 404, "the replica has it not yet"
        await used_again(door)
        await replica_answers(door, writer, own, **seen)
        assert await read_where(door, writer, own, **{POSITION: "as new as can be"}) == "primary"


async def test_a_refused_change_shows_its_caller_what_it_was_refused_for(
    pair: Pair, door: Door
) -> None:
    async with await door.as_("office") as one, await door.as_("reporter", "UN15") as another:
        made = await another.post(SUBMISSIONS, json=place())
        own = f"/submissions/{made.json()['id']}"
        async with standing_still(pair, door):
            old = (await one.get(own)).headers["ETag"]
            body, based_on = {"note": "改"}, {"If-Match": old}
            changed = await another.patch(own, json=body, headers=based_on)
            refused = await one.patch(own, json=body, headers=based_on)
            assert (changed.status_code, refused.status_code) == (200, 412)
            assert (await one.get(own)).headers["ETag"] != old


async def test_a_position_of_the_citys_log_may_be_asked_for_too(pair: Pair, door: Door) -> None:
    await door.react()
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        reached = (await office.get("/events?limit=1000")).json()["last_position"]
        async with standing_still(pair, door):
            await office.post(SUBMISSIONS, json=place())
            await door.react()
            has, lacks = {POSITION: str(reached)}, {POSITION: str(reached + 1)}
            await replica_answers(door, leader, "/events", **has)
            assert await read_where(door, leader, "/events", **lacks) == "primary"


async def test_a_replica_that_is_behind_a_position_leaves_it_to_the_primary(
    pair: Pair, door: Door
) -> None:
    await door.react()
    async with (
        await door.as_("office") as office,
        await door.as_("leader") as leader,
        standing_still(pair, door),
    ):
        await office.post(SUBMISSIONS, json=place())
        await door.react()
        at = (await office.get("/events?limit=1000")).json()["last_position"]
        for path in (
            f"/events?after={at}",
            f"{SUBMISSIONS}?changed_after={at}",
            f"/sync?plan={XINMI}&position={at}",
        ):
            # As in another process, which knows nothing of what the caller was told.
            door.held.reads._seen.clear()
            assert await read_where(door, leader, path) == "primary"
        door.held.reads._seen.clear()
        beyond = await leader.get(f"/events?after={at + 1}")
        anew = await leader.get(f"/sync?plan={XINMI}&position={at + 1}")
    assert (beyond.status_code, beyond.json()["newest_position"]) == (410, at)
    assert (anew.json()["begin_anew"], anew.json()["position"]) == (True, at)


async def test_a_replica_that_is_too_far_behind_is_set_aside_and_told_of(
    pair: Pair, door: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (replica,) = door.held.reads.replicas
    monkeypatch.setattr(door.held.reads, "_within", 1.0)
    async with await door.as_("office") as writer, await door.as_("leader") as other:
        with caplog.at_level(logging.INFO, "wufei.api"):
            async with standing_still(pair, door):
                made = await writer.post(SUBMISSIONS, json=place())
                # A busy machine may have set it aside before, for another reason or an older place.
                written = wal_of(made)
                await until(lambda: (door.held.reads._wanted() or 0) >= written)
                await until(lambda: "behind" in (replica.set_aside or ""))
                # Whoever reads now sees what is older than the bound, wherever it has been before.
                door.held.reads._seen.clear()
                own = f"/submissions/{made.json()['id']}"
                assert await read_where(door, other, own) == "primary"
                ready = (await other.get("http://wufei.test/readyz")).json()
                assert ready["parts"]["replicas"] == "degraded"
                metrics = (await other.get("http://wufei.test/metrics")).text
                assert f'wufei_replica_used{{replica="{replica.name}"}} 0.0' in metrics
            await used_again(door)
        ready = (await other.get("http://wufei.test/readyz")).json()
        assert ready["parts"]["replicas"] == "ok"
    said = [one for one in caplog.records if getattr(one, "replica", None) == replica.name]
    assert [one.message for one in said][-2:] == ["replica set aside", "replica used again"]


async def test_a_reading_that_a_replica_fails_is_made_on_the_primary(
    pair: Pair, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    await used_again(door)
    standby = await asyncpg.connect(pair.standby.url)
    async with await door.as_("leader") as leader:
        await replica_answers(door, leader, "/plans")
        await standby.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'wufei-api' AND pid <> pg_backend_pid()"
        )
        with caplog.at_level(logging.WARNING, "wufei.api"):
            answers = [await leader.get(SUBMISSIONS) for _ in range(5)]
    await standby.close()
    assert {answer.status_code for answer in answers} == {200}


async def test_from_replica_to_replica_nobody_goes_back(
    pair: Pair,
) -> None:
    second = pair.another_standby()
    await second.start()
    try:
        urls = f"{pair.standby.url} {second.url}"
        environment = {"database_replica_url": urls, "WUFEI_REPLICA_LAG": "300"}
        async with (
            open_door(pair.primary.url, environment=environment) as wide,
            await wide.as_("office") as office,
            await wide.as_("leader") as leader,
        ):
            first, last = wide.held.reads.replicas
            async with standing_still(pair, wide):
                at = 0
                for _ in range(12):
                    await office.post(SUBMISSIONS, json=place())
                    await wide.react()
                    for one in (first, last):
                        # Each in turn is the only one there: the reader is sent to and fro.
                        wide.held.reads.replicas = [one]
                        answer = await leader.get("/events?limit=1000")
                        assert answer.json()["last_position"] >= at
                        at = answer.json()["last_position"]
                assert at >= 12
    finally:
        await second.stop()


_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition ORDER BY relname
"""
_ROWS = """
SELECT '{0}' AS of, md5(coalesce(string_agg(one::text, chr(10) ORDER BY one::text), '')) AS rows
FROM {0} one
"""


async def rows_of(url: str) -> dict[str, str]:
    """Return every table with a digest of all its rows."""
    connection = await asyncpg.connect(url)
    try:
        tables = [one["relname"] for one in await connection.fetch(_TABLES)]
        found = await connection.fetch(" UNION ALL ".join(map(_ROWS.format, tables)))
    finally:
        await connection.close()
    return {one["of"]: one["rows"] for one in found}


async def test_a_backup_is_restored_to_an_instant(pair: Pair, door: Door, capsys: Any) -> None:
    loop = asyncio.get_running_loop()
    key = await door.new_key("office")
    async with door.client(key) as office:
        for _ in range(3):
            await office.post(SUBMISSIONS, json=place())
        await door.react()
        primary = await asyncpg.connect(pair.primary.owner_url)
        instant = await primary.fetchval("SELECT clock_timestamp()::text")
        then = await rows_of(pair.primary.url)
        for _ in range(3):
            await office.post(SUBMISSIONS, json=place())
        await door.react()
        reached = (await office.get("/events?limit=1000")).json()["last_position"]
    last = await primary.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
    await until((pair.archive / last).exists)
    await primary.close()
    assert await rows_of(pair.primary.url) != then
    started = loop.time()
    server = pair.restored(recovery_target_time=instant, recovery_target_action="promote")
    try:
        await server.start()
        await pair.waits(server, "SELECT NOT pg_is_in_recovery()")
        took = loop.time() - started
        assert await rows_of(server.url) == then
        async with open_door(server.url) as restored:
            async with restored.held.database.transaction() as session:
                done = await recompute_plan(session, "410183", XINMI, clock=Clock())
            assert done.changed == 0
            async with restored.client(restored.admin_secret) as admin:
                assert (await admin.get("/me")).status_code == 200
            async with restored.client(key) as reader:
                assert (await reader.get(f"/events?after={reached}")).status_code == 410
    finally:
        await server.stop()
    with capsys.disabled():
        print(f"\nrestored to an instant in {took:.1f} s, every table as it was then")  # noqa: T201


async def edit(client: httpx.AsyncClient, done: asyncio.Event, told: dict[str, set[str]]) -> None:
    """Change a draft over and over, and note which changes were acknowledged, and refused."""
    made = await client.post(SUBMISSIONS, json=place())
    path = f"/submissions/{made.json()['id']}"
    told[path] = set()
    for number in map(str, itertools.count(1)):
        if done.is_set():
            return
        answer = await client.patch(path, json={"note": number}, headers={"If-Match": "*"})
        if answer.status_code == 200:
            told[path].add(number)
        else:
            assert answer.status_code == 503, answer.text
            assert answer.headers["Retry-After"] == "1"
            told[_REFUSED].add(f"{path} {number}")
            await asyncio.sleep(0.05)


_REFUSED = "refused"


async def kept(client: httpx.AsyncClient, path: str) -> set[str]:
    """Return which changes of a draft its history has."""
    found: set[str] = set()
    token = ""
    while True:
        page = (await client.get(f"{path}/history?page_size=500{token}")).json()
        found |= {str(one["after"]["note"]) for one in page["items"] if one["after"]}
        if page["next_page_token"] is None:
            return found
        token = f"&page_token={page['next_page_token']}"


async def test_a_standby_takes_over_and_nothing_that_was_acknowledged_is_lost(
    pair: Pair, capsys: Any
) -> None:
    loop = asyncio.get_running_loop()
    await pair.tell(
        pair.primary,
        "ALTER SYSTEM SET synchronous_standby_names = '*'",
        "SELECT pg_reload_conf()",
    )
    await pair.caught_up()
    told: dict[str, set[str]] = {_REFUSED: set()}
    async with open_door(pair.either) as door, await door.as_("office") as office:
        done = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(edit(office, done, told))
            await until(lambda: sum(map(len, told.values())) > 100)
            await pair.primary.stop(SIGKILL)
            killed = loop.time()
            before = {path: len(told[path]) for path in told if path != _REFUSED}
            await pair.tell(pair.standby, "SELECT pg_promote()")
            await until(lambda: any(len(told[path]) > before[path] for path in before))
            away = loop.time() - killed
            await until(lambda: all(len(told[path]) > before[path] + 5 for path in before))
            done.set()
        refused = told.pop(_REFUSED)
        lost = [told[path] - await kept(office, path) for path in told]
        assert not any(lost)
        assert refused, "nobody noticed"
        await door.react()
    with capsys.disabled():
        print(  # noqa: T201
            f"\na standby took over: {sum(map(len, told.values()))} changes acknowledged, 0 lost,"
            f" {len(refused)} refused with 503, no writing for {away:.1f} s"
        )
