"""Exchange tables of a front-end server: each row written and taken once, and told what became."""

import asyncio
import os
import sys
from uuid import UUID

import pytest

from services.console.settings import PROJECT
from services.core.exchange.errors import ExchangeRefused
from services.core.exchange.exchange_rows import row_hash
from services.core.exchange.service import locked_channel, open_channel
from services.core.identity.actor import operator
from services.core.identity.giving import KeyRequest
from services.core.identity.service import create_key
from services.core.kit.errors import InvalidInput
from tests.integration.exchange.conftest import Front
from tests.support.packages import THERE
from tests.support.reports import places
from tests.unit.scoring.builders import CITY, PLAN


async def test_what_counts_is_written_once_and_what_counts_no_more_is_told(front: Front) -> None:
    first, second = places(2)
    await front.at.approve(first, second)
    assert await front.write() == 2
    assert await front.write() == 0
    await front.at.approve(first, falsified=True, type_="submission.falsified")
    assert await front.write() == 1
    rows = await front.out()
    assert [(row["op"], row["organization_code"], row["value"]) for row in rows] == [
        ("U", first[1], "12.5"),
        ("U", second[1], "12.5"),
        ("D", first[1], None),
    ]
    assert all(row["row_hash"] == row_hash(row) for row in rows)
    assert [row["ver"] for row in rows] == sorted({row["ver"] for row in rows})


async def test_one_that_is_killed_between_the_databases_writes_nothing_twice(front: Front) -> None:
    await front.at.approve(*places(3))
    assert await front.write(killed=True) == 3
    assert len(await front.out()) == 3
    assert (await front.reconciled("out")).missing_rows == 0
    await front.at.approve(places(1)[0], value="13")
    await front.write()
    rows = await front.out()
    assert len(rows) == len({row["ex_id"] for row in rows}) == 4
    assert (await front.reconciled("out")).is_whole
    assert await front.write() == 0


async def test_a_row_that_was_refused_blocks_no_place(front: Front) -> None:
    one, other = places(2)
    key_of_other = "|".join((PLAN, *other))
    await front.insert("bad", one, ver=20261130, biz_key=key_of_other, row_hash="0" * 64)
    await front.insert("worse", other, ver=20261201, value="none")
    assert {row.outcome for row in await front.take()} == {"refused"}
    for ver, ex_id, outcome in ((5, "first", "created"), (4, "late", "refused")):
        await front.insert(ex_id, other, ver=ver)
        taken = {row.ex_id: row for row in await front.take()}
        assert taken[ex_id].outcome == outcome, taken
    assert "5" in str(taken["late"].message), "the one that was taken counts"


async def test_what_the_other_side_wrote_is_taken_once_and_told(front: Front) -> None:
    first, second = places(2)
    await front.insert("a", first)
    await front.insert("b", second, value=None, numerator="1", denominator="8")
    taken = await front.take(killed=True)
    assert {one.outcome for one in taken} == {"created"}
    assert await front.statuses() == {"a": (0, None), "b": (0, None)}
    before = await front.at.counted()
    again = await front.take()
    assert {one.outcome for one in again} == {"created"}, "as it was the first time"
    assert await front.at.counted() == before
    statuses = await front.statuses()
    assert (statuses["a"], statuses["b"][0]) == ((2, None), 2)
    assert "another-units-indicator" in str(statuses["b"][1]), "done, and it cannot count"
    assert (await front.at.values())[first] == ("12.5", "submitted", 1)
    assert await front.take() == []


async def test_rows_of_one_place_are_taken_one_after_the_other(front: Front) -> None:
    (place,) = places(1)
    await front.insert("a", place)
    await front.insert("b", place, op="D", value=None, ver=2)
    assert [(one.ex_id, one.outcome) for one in await front.take()] == [("a", "created")]
    assert [(one.ex_id, one.outcome) for one in await front.take()] == [("b", "deleted")]
    await front.insert("c", place, ver=1)
    (late,) = await front.take()
    assert (late.outcome, late.status) == ("refused", 9)
    assert "exchange-older" in str(late.message)


async def test_a_blank_too_much_makes_no_other_place_and_refuses_no_good_row(front: Front) -> None:
    (place,) = places(1)
    blank = (place[0], f"{place[1]} ", place[2])
    await front.insert("good", place, ver=2)
    await front.insert("wide", blank, ver=3, value="13", op="D")
    assert [(one.ex_id, one.outcome) for one in await front.take()] == [("good", "created")]
    assert [(one.ex_id, one.outcome) for one in await front.take()] == [("wide", "deleted")]
    await front.insert("late", (f" {place[0]}", *place[1:]), ver=1)
    (late,) = await front.take()
    assert (late.outcome, "exchange-older" in str(late.message)) == ("refused", True)


async def test_what_is_not_named_stays_and_a_key_that_may_not_report_is_none(front: Front) -> None:
    database, now = front.at.database, front.at.now
    key: UUID = await database.pool.fetchval(_KEY, CITY)
    code, said = await _exchange(front, "open")
    assert (code, str(key) in said) == (0, True), said
    assert await database.pool.fetchval(_KEY, CITY) == key
    async with database.transaction() as session:
        request = KeyRequest("reads", "integrator", scopes=("plan:read",), city_code=CITY)
        reads, _ = await create_key(
            session, request=request, actor=operator(CITY), plan_codes=[PLAN], now=now
        )
    code, said = await _exchange(front, "open", "--key", str(reads.id))
    assert (code, "submissions:write" in said) == (1, True), said
    with pytest.raises(InvalidInput) as told:
        await front.at.know(THERE, key_id=reads.id)
    assert [fault.pointer for fault in told.value.faults] == ["/key"]
    await front.insert("a", places(1)[0])
    await database.pool.execute(
        "UPDATE exchange_channel SET key_id = $2 WHERE city_code = $1", CITY, reads.id
    )
    with pytest.raises(ExchangeRefused):
        await front.take()
    code, said = await _exchange(front, "open", "--no-key")
    assert (code, "key -" in said) == (0, True), said
    code, said = await _exchange(front, "run")
    assert (code, "no key is set: nothing is taken" in said) == (0, True), said


_KEY = "SELECT key_id FROM exchange_channel WHERE city_code = $1"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("foo", "postgresql://user:password@host/database"),
        ("postgresql://127.0.0.1:1/none", "WUFEI_EXCHANGE_DATABASE_URL"),
        ("postgresql://127.0.0.1/none?sslmode=maybe", "sslmode"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told_in_a_line(
    front: Front, address: str, told: str
) -> None:
    for action in ("run", "reconcile"):
        code, said = await _exchange(front, action, WUFEI_EXCHANGE_DATABASE_URL=address)
        assert (code, told in said, "Traceback" in said) == (1, True, False), said
        assert said.startswith("wufei: "), said


async def test_tables_that_are_not_there_are_told_in_a_line(front: Front) -> None:
    await front.beside.execute("DROP TABLE ex_in_submission, ex_out_submission")
    code, said = await _exchange(front, "reconcile")
    assert (code, "WUFEI_EXCHANGE_DATABASE_URL" in said) == (1, True), said


async def test_what_is_refused_is_told_with_the_reason(front: Front) -> None:
    good, other, more, last = places(4)
    await front.insert("hash", good, row_hash="0" * 64)
    await front.insert("key", other, biz_key="x")
    await front.insert("op", more, op="X")
    await front.insert("code", ("R99", "UN01", "2025"))
    await front.insert("number", last, value="much")
    await front.take()
    told = await front.statuses()
    assert {status for status, _ in told.values()} == {9}
    for ex_id, code in (
        ("hash", "exchange-hash"),
        ("key", "exchange-key"),
        ("op", "exchange-operation"),
        ("code", "unknown-indicator"),
        ("number", "decimal"),
    ):
        assert code in str(told[ex_id][1]), told
    assert await front.at.values() == {}
    await front.insert("fine", good)
    await front.take()
    await front.beside.execute(
        "UPDATE ex_in_submission SET ex_status = 0, row_hash = $1 WHERE ex_id = 'fine'", "1" * 64
    )
    (reused,) = await front.take()
    assert "exchange-id-reused" in str(reused.message)
    found = await front.reconciled("in")
    assert (found.total, found.refused_rows, found.altered) == (6, 6, ["fine"])


async def test_what_was_removed_or_altered_there_is_found(front: Front) -> None:
    await front.at.approve(*places(3))
    await front.write()
    rows = await front.out()
    assert (await front.reconciled("out")).is_whole
    await front.beside.execute("DELETE FROM ex_out_submission WHERE ex_id = $1", rows[0]["ex_id"])
    await front.beside.execute(
        "UPDATE ex_out_submission SET row_hash = repeat('0', 64), ex_status = 9,"
        " ex_msg = '编码不符' WHERE ex_id = $1",
        rows[1]["ex_id"],
    )
    found = await front.reconciled("out")
    assert (found.total, found.new, found.refused_rows) == (2, 1, 1)
    assert (list(found.missing), found.altered) == ([rows[0]["ex_id"]], [rows[1]["ex_id"]])
    assert found.refused == [(rows[1]["ex_id"], "编码不符")]


@pytest.mark.parametrize(
    "change", ["value = '99'", "note = 'changed by hand'", "op = 'D'", "ver = ver + 1"]
)
async def test_a_row_that_says_another_thing_is_found_though_its_digest_stayed(
    front: Front, change: str
) -> None:
    await front.at.approve(*places(2))
    await front.write()
    first = (await front.out())[0]["ex_id"]
    await front.insert("came", places(3)[2])
    await front.insert("wrong", places(4)[3], row_hash="0" * 64)
    await front.take()
    for direction in ("out", "in"):
        assert (await front.reconciled(direction)).is_whole
    for table, ex_id, direction in (
        ("ex_out_submission", first, "out"),
        ("ex_in_submission", "came", "in"),
    ):
        await front.beside.execute(f"UPDATE {table} SET {change} WHERE ex_id = $1", ex_id)
        assert (await front.reconciled(direction)).altered == [ex_id]


async def test_without_a_plan_or_a_key_nothing_is_exchanged(front: Front) -> None:
    database, now = front.at.database, front.at.now
    for plan, key in (("410183-1999", None), (PLAN, UUID(int=1))):
        async with database.transaction() as session:
            with pytest.raises(ExchangeRefused):
                await open_channel(session, CITY, plan, key, actor=operator(CITY), now=now)
    async with database.transaction() as session:
        with pytest.raises(ExchangeRefused):
            await locked_channel(session, CITY, "410183-1999")
        await open_channel(session, CITY, PLAN, None, takes=False, actor=operator(CITY), now=now)
    await front.insert("a", places(1)[0])
    with pytest.raises(ExchangeRefused):
        await front.take()


async def _exchange(front: Front, *arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "exchange", *arguments, "--plan", PLAN),
        *("--language", "en"),
        cwd=PROJECT,
        env={
            **os.environ,
            "DATABASE_URL": front.at.database.dsn,
            "WUFEI_EXCHANGE_DATABASE_URL": front.url,
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, said.decode()


async def test_the_command_writes_takes_and_reconciles(front: Front) -> None:
    first, second = places(2)
    await front.at.approve(first)
    await front.insert("a", second)
    await front.insert("b", second, ver=2, value="13")
    code, said = await _exchange(front, "run")
    assert (code, "1 rows written" in said) == (0, True), said
    assert "2 rows taken, 1 of them refused" in said, "it is under review with another content"
    code, said = await _exchange(front, "reconcile")
    whole = "ex_in_submission: 2 rows, 0 new, 1 done, 1 refused, 0 missing"
    assert (code, whole in said, "refused  b" in said) == (0, True, True), said
    kept = await front.beside.fetch("SELECT direction, rows_total FROM ex_recon ORDER BY 1")
    assert [tuple(row) for row in kept] == [("in", 2), ("out", 1)]
    await front.beside.execute("DELETE FROM ex_out_submission")
    code, said = await _exchange(front, "reconcile")
    assert (code, "  missing  " in said) == (1, True), said
    code, said = await _exchange(front, "run", WUFEI_EXCHANGE_DATABASE_URL="")
    assert (code, "WUFEI_EXCHANGE_DATABASE_URL is not set" in said) == (1, True), said
