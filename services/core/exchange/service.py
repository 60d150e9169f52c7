"""Writes a plan's figures into exchange tables, and takes figures from them: each row once.

The two databases share no transaction. So an exported row has an id that a retry finds again, and
is noted as written afterwards. An imported row is written with a note of its id and its outcome,
and the other side is told afterwards. A process killed in between repeats the last step, and finds
what was done.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note
from services.core.events.queries import log_position
from services.core.exchange import queries
from services.core.exchange.errors import ExchangeRefused
from services.core.exchange.exchange_rows import ROW, biz_key, in_row, out_row
from services.core.exchange.models import ExchangeChannel
from services.core.exchange.statements import (
    HASHES_OUT,
    REMEMBER_ROWS,
    SETTLE_IN,
    WRITE_OUT,
)
from services.core.identity.actor import Actor
from services.core.identity.queries import actor_of_key
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.packages.carried_items import outcome_of, warned_of
from services.core.packages.queries import figures, places_told
from services.core.plan.queries import plan_codes, plan_state
from services.core.plan.visibility import may_report_to
from services.core.submissions.batch.rows import Batch, BatchRow, JudgedRows, judge
from services.core.submissions.batch.service import carry_out

ROWS_AT_MOST = 500
"""Rows of one incoming step, and positions of the log of one outgoing step."""

DONE, REFUSED = 2, 9
"""Values of `ex_status` for rows that were taken."""

_LONGEST_MESSAGE = 2_000

_NO_PLAN = Text("没有计划 {plan}", "there is no plan {plan}")
_NO_CHANNEL = Text(
    "计划 {plan} 没有设置库表交换：请先用 wufei exchange open 设置",
    "no exchange is set for the plan {plan}: set it with wufei exchange open",
)
_NO_KEY = Text(
    "没有这个有效的密钥，或它不能向这个计划填报（submissions:write）",
    "there is no such key that is good, or it may not report values to this plan"
    " (submissions:write)",
)
_REUSED = Text(
    "ex_id 以前用于另一行：请换一个", "ex_id was used for another row before: take another one"
)
_OLDER = Text(
    "ver 早于已取走的 {latest}：没有写入",
    "ver is older than {latest}, which was taken: nothing is written",
)


async def open_channel(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    key_id: UUID | None,
    *,
    takes: bool = True,
    actor: Actor,
    now: datetime,
) -> ExchangeChannel:
    """Have a plan exchanged from the beginning of its log; or change the key that writes its rows.

    A `key_id` of None leaves the key as it is; `takes` false removes it, so that nothing is taken.

    Raises:
        ExchangeRefused: there is no such plan or key, or the key may not report values.
    """
    if plan_code not in await plan_codes(session, city_code):
        raise ExchangeRefused(_NO_PLAN.format(plan=plan_code))
    if key_id is not None:
        await _writer(session, city_code, plan_code, key_id, now)
    channel = await queries.channel_for_update(session, city_code, plan_code)
    if channel is None:
        channel = ExchangeChannel(
            city_code=city_code, plan_code=plan_code, key_id=None, position=0, created_at=now
        )
    if key_id is not None or not takes:
        channel.key_id = key_id
    channel.updated_at = now
    session.add(channel)
    await session.flush()
    await note(
        session,
        city_code=city_code,
        action="exchange.opened",
        subject=("exchange", plan_code),
        actor=actor.stamp(),
        data={"key_id": None if channel.key_id is None else str(channel.key_id)},
        at=now,
    )
    return channel


async def _writer(
    session: AsyncSession, city_code: str, plan_code: str, key_id: UUID | None, now: datetime
) -> Actor:
    """Return the actor that writes incoming rows.

    Raises:
        ExchangeRefused: there is no such valid key, or it may not report to this plan.
    """
    actor = None
    if key_id is not None:
        actor = await actor_of_key(session, city_code, key_id, channel="exchange", now=now)
    may = may_report_to(actor, city_code=city_code, plan_code=plan_code)
    if actor is None or not may:
        raise ExchangeRefused(_NO_KEY)
    return actor


async def locked_channel(session: AsyncSession, city_code: str, plan_code: str) -> ExchangeChannel:
    """Return the exchange of a plan, locked: until the transaction ends nobody else exchanges.

    Raises:
        ExchangeRefused: there is none.
    """
    channel = await queries.channel_for_update(session, city_code, plan_code)
    if channel is None:
        raise ExchangeRefused(_NO_CHANNEL.format(plan=plan_code))
    return channel


async def write_out(
    session: AsyncSession, beside: asyncpg.Connection, channel: ExchangeChannel, *, now: datetime
) -> tuple[int, bool]:
    """Write the figures of a stretch of the log; return how many rows, and whether there is more.

    The rows are committed there before this transaction commits; a retry finds them by their ids.
    """
    city, plan = channel.city_code, channel.plan_code
    head = await log_position(session, city)
    upto = min(channel.position + ROWS_AT_MOST, head)
    places = dict(await places_told(session, city, plan, after=channel.position, upto=upto))
    rows: list[dict[str, Any]] = []
    if places:
        found = await figures(session, city, plan, places)
        rows = [out_row(one, plan, batch_no=f"{upto:012}", now=now) for one in found]
    if rows:
        await _write_rows(session, beside, channel, rows, now)
    channel.position, channel.updated_at = upto, now
    await session.flush()
    return len(rows), upto < head


async def _write_rows(
    session: AsyncSession,
    beside: asyncpg.Connection,
    channel: ExchangeChannel,
    rows: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    values = [WRITE_OUT.bind({name: row[name] for name in ROW}) for row in rows]
    async with beside.transaction():
        await beside.executemany(values[0][0], [one[1:] for one in values])
    # The digests are read back, because a retry may have found other content of the same position.
    ids = [row["ex_id"] for row in rows]
    there = {one[0]: one[1] for one in await beside.fetch(*HASHES_OUT.bind({"ids": ids}))}
    hashed = [{**row, "row_hash": there[row["ex_id"]]} for row in rows if row["ex_id"] in there]
    await _remember(session, channel, "out", hashed, {}, now)


async def _remember(
    session: AsyncSession,
    channel: ExchangeChannel,
    direction: str,
    rows: Sequence[Mapping[str, Any]],
    became: Mapping[str, tuple[str, str | None]],
    now: datetime,
) -> None:
    await session.execute(
        REMEMBER_ROWS,
        {
            "city": channel.city_code,
            "plan": channel.plan_code,
            "direction": direction,
            "ids": [row["ex_id"] for row in rows],
            "keys": [row["biz_key"] for row in rows],
            "vers": [row["ver"] for row in rows],
            "hashes": [row["row_hash"].strip() for row in rows],
            "outcomes": [became.get(row["ex_id"], (None, None))[0] for row in rows],
            "messages": [became.get(row["ex_id"], (None, None))[1] for row in rows],
            "now": now,
        },
    )


@dataclass(frozen=True, slots=True)
class TakenRow:
    """The result of an incoming row; `message` is the reason of a refusal or a warning."""

    ex_id: str
    outcome: str
    message: str | None

    @property
    def status(self) -> int:
        """The value for `ex_status`."""
        return REFUSED if self.outcome == "refused" else DONE


async def take_rows(
    session: AsyncSession,
    channel: ExchangeChannel,
    rows: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> list[TakenRow]:
    """Write rows through the batch; return the results of those that were handled.

    Of several rows of a place only the first is handled; the others are left for the next step.

    Raises:
        ExchangeRefused: there is no valid key.
        PlanChanged, BatchContended: see `carry_out`; it may be retried.
    """
    city, code = channel.city_code, channel.plan_code
    actor = await _writer(session, city, code, channel.key_id, now)
    plan = await plan_state(session, city, code)
    if plan is None:
        raise ExchangeRefused(_NO_PLAN.format(plan=code))
    known = await queries.taken_before(session, city, code, [row["ex_id"] for row in rows])
    done = [_again(row, known[row["ex_id"]]) for row in rows if row["ex_id"] in known]
    fresh = _first_of_each_place([row for row in rows if row["ex_id"] not in known])
    keys = [biz_key(code, made.slot) for _, made in fresh]
    latest = await queries.latest_versions(session, city, code, keys)
    today = plan.local_date(now)

    def judged() -> tuple[Batch, JudgedRows]:
        versions = [
            (row["ver"], latest.get(key)) for (row, _), key in zip(fresh, keys, strict=True)
        ]
        made = [
            _row(index, one, *version)
            for index, ((_, one), version) in enumerate(zip(fresh, versions, strict=True))
        ]
        batch = Batch(made, "upsert")
        return batch, judge(batch, plan=plan, actor=actor, today=today)

    batch, found = await asyncio.to_thread(judged)
    outcome = await carry_out(session, batch, found, plan=plan, actor=actor, now=now)
    became: dict[str, tuple[str, str | None]] = {}
    for one in outcome.decided:
        if one.index is not None:
            said, faults = outcome_of(one)
            told = _message([*faults, *warned_of(one, plan, actor)])
            became[fresh[one.index][0]["ex_id"]] = said, told
    # By the parsed place, because a key with an extra blank is not another place.
    keyed = [{**row, "biz_key": key} for (row, _), key in zip(fresh, keys, strict=True)]
    await _remember(session, channel, "in", keyed, became, now)
    return done + [TakenRow(ex_id, *what) for ex_id, what in became.items()]


def _first_of_each_place(
    rows: Sequence[Mapping[str, Any]],
) -> list[tuple[Mapping[str, Any], BatchRow]]:
    """Return rows with their parsed form, only the first of each place."""
    read = [(row, in_row(0, row)) for row in rows]
    return list({made.slot: (row, made) for row, made in reversed(read)}.values())


def _again(row: Mapping[str, Any], before: Any) -> TakenRow:
    if before.row_hash != row["row_hash"].strip():
        return TakenRow(row["ex_id"], "refused", f"exchange-id-reused: {_REUSED.zh}")
    return TakenRow(row["ex_id"], before.outcome, before.message)


def _row(index: int, made: BatchRow, version: int, newest: int | None) -> BatchRow:
    """Return a row with its index in the batch; one older than what was taken is refused."""
    if newest is None or version >= newest:
        return replace(made, index=index)
    fault = Fault("/ver", "exchange-older", _OLDER.format(latest=newest), version)
    return replace(made, index=index, faults=(*made.faults, fault))


def _message(faults: Sequence[Fault]) -> str | None:
    """Return the faults of a row as a single text for people and programs."""
    if not faults:
        return None
    said = "; ".join(f"{one.code}: {one.detail.zh} / {one.detail.en}" for one in faults)
    return said[:_LONGEST_MESSAGE]


async def tell_taken(
    beside: asyncpg.Connection, taken: Sequence[TakenRow], *, now: datetime
) -> None:
    """Tell the other side the results of its rows, once they are committed here."""
    given = {
        "ids": [one.ex_id for one in taken],
        "statuses": [one.status for one in taken],
        "messages": [one.message for one in taken],
        "now": now,
    }
    await beside.execute(*SETTLE_IN.bind(given))
