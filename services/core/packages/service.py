"""Makes, takes in and acknowledges packages, each in one transaction of the caller's.

The row of the peer is locked meanwhile, so numbers have no gap and nothing is taken in twice. A
file is stored with its number before anybody sees it: made again, it has the same bytes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.events.queries import log_position
from services.core.identity.actor import Actor, operator
from services.core.identity.queries import actor_of_key
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.packages import queries
from services.core.packages.carried_items import (
    AnsweredFault,
    AnsweredItem,
    answers_in,
    batch_of_lines,
    counts_of,
    figure_line,
    receipt_lines,
)
from services.core.packages.errors import PackageRefused
from services.core.packages.manifests import (
    PACKAGE,
    RECEIPT,
    CarriedFile,
    Cover,
    MadeFile,
    made_file,
)
from services.core.packages.models import CarriedPackage, PackagePeer
from services.core.packages.peer_keys import check_sender, signing_keys
from services.core.packages.series import JudgedPackage, SeriesStanding, judge
from services.core.plan.queries import plan_state
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.plan.visibility import may_report_to
from services.core.submissions.batch.rows import MOST_ROWS, Batch, JudgedRows
from services.core.submissions.batch.rows import judge as judge_rows
from services.core.submissions.batch.service import carry_out

MOST_ITEMS = 5_000
"""Most items of a package; the rest goes into the next one."""

_LOG_AT_ONCE = 2_000
"""Positions of the log read at a time."""

_NOT_OURS = Text(
    "发给 {receiver}，而本方是 {own}：没有导入",
    "it is for {receiver}, and we are {own}: not taken in",
)
_UNKNOWN = Text(
    "计划 {plan} 没有登记发出方 {sender}：没有导入",
    "no {sender} is registered as a sender for the plan {plan}: not taken in",
)
_NO_PEER = Text(
    "计划 {plan} 没有登记对方 {peer}：请先用 wufei package peer 登记",
    "no {peer} is registered for the plan {plan}: register it with wufei package peer",
)
_NO_KEY = Text(
    "对方 {peer} 没有登记可用的密钥（key，须有 submissions:write，且可向该计划填报），"
    "不能导入其数据",
    "{peer} has no key that is good and may report values to this plan (submissions:write), so"
    " nothing of it is taken in",
)
_TOO_MANY = Text(f"一个数据包至多 {MOST_ROWS} 条", f"A package carries {MOST_ROWS} items at most")
_KIND = {
    PACKAGE: Text("这是数据包，请用 import 导入", "It is a package: take it in with import"),
    RECEIPT: Text("这是回执，请用 receipt 导入", "It is a receipt: take it in with receipt"),
}


async def locked_peer(
    session: AsyncSession, city_code: str, plan_code: str, peer_code: str
) -> PackagePeer:
    """Return a peer, locked: until the transaction ends nobody else carries with it.

    Raises:
        PackageRefused: no peer with that code is registered.
    """
    found = await queries.peer(session, city_code, plan_code, peer_code, lock=True)
    if found is None:
        raise PackageRefused(_NO_PEER.format(peer=peer_code, plan=plan_code))
    return found


async def make_package(
    session: AsyncSession, peer: PackagePeer, *, seal: Seal, now: datetime
) -> MadeFile | None:
    """Make the next package for a locked peer, and store it; None: there is nothing to carry.

    It carries the present figures of the places that changed in the log since the last package.
    """
    head = await log_position(session, peer.city_code)
    places: dict[Slot, int] = {}
    upto = peer.out_position
    while upto < head and len(places) < MOST_ITEMS - _LOG_AT_ONCE:
        after, upto = upto, min(upto + _LOG_AT_ONCE, head)
        told = await queries.places_told(
            session, peer.city_code, peer.plan_code, after=after, upto=upto
        )
        places |= dict(told)
    figures = []
    if places:
        figures = await queries.figures(session, peer.city_code, peer.plan_code, places)
    if not figures:
        peer.out_position, peer.updated_at = upto, now
        await session.flush()
        return None
    cover = Cover(
        format=PACKAGE,
        id=new_id(),
        sender=peer.own_code,
        receiver=peer.peer_code,
        plan=peer.plan_code,
        number=peer.out_number + 1,
        made_at=now.replace(microsecond=0),
        previous=peer.out_digest,
        after_position=peer.out_position if peer.out_reached is None else peer.out_reached,
        upto_position=upto,
    )
    made = await asyncio.to_thread(
        made_file, cover, [figure_line(one) for one in figures], signing_keys(peer, seal)
    )
    peer.out_number, peer.out_digest, peer.updated_at = cover.number, made.digest, now
    peer.out_position = peer.out_reached = upto
    session.add(_row(peer, "out", made.manifest.number, made.digest, made, now))
    await session.flush()
    await _audit(session, peer, "package.exported", cover.number, {"items": len(figures)}, now)
    return made


def _row(
    peer: PackagePeer, direction: str, number: int, digest: str, file: MadeFile, now: datetime
) -> CarriedPackage:
    sent = direction == "out"
    return CarriedPackage(
        city_code=peer.city_code,
        id=new_id(),
        peer_id=peer.id,
        direction=direction,
        number=number,
        digest=digest,
        file_name=file.manifest.file_name,
        items=file.manifest.items,
        content=file.content if sent else None,
        receipt=None if sent else file.content,
        counts=None,
        made_at=file.manifest.made_at,
        settled_at=None if sent else now,
        written_at=None,
    )


async def _audit(
    session: AsyncSession,
    peer: PackagePeer,
    action: AuditAction,
    number: int,
    data: Mapping[str, Any],
    now: datetime,
) -> None:
    told = {"peer": peer.peer_code, "plan": peer.plan_code, "number": number, **data}
    actor = operator(peer.city_code).stamp()
    await note_of(session, "package_peer", peer, action, actor=actor, data=told, at=now)


@dataclass(frozen=True, slots=True)
class ReadyPackage:
    """A package that may be taken in: its rows, checked without the ledger, and their writer."""

    carried: CarriedFile
    plan: PlanState
    actor: Actor
    batch: Batch
    judged: JudgedRows


async def make_ready(
    session: AsyncSession, city_code: str, carried: CarriedFile, *, seal: Seal | None, now: datetime
) -> ReadyPackage:
    """Prepare a package to be taken in, as far as that is possible without locks.

    Raises:
        PackageRefused: it is not for us, from no known peer, or not signed by its sender.
    """
    peer = await _sender(session, city_code, carried, PACKAGE, seal=seal)
    if len(carried.lines) > MOST_ROWS:
        raise PackageRefused(_TOO_MANY)
    actor = None
    if peer.key_id is not None:
        actor = await actor_of_key(session, city_code, peer.key_id, channel="package", now=now)
    plan = await plan_state(session, city_code, peer.plan_code)
    may = may_report_to(actor, city_code=city_code, plan_code=peer.plan_code)
    if actor is None or not may or plan is None:
        raise PackageRefused(_NO_KEY.format(peer=peer.peer_code))
    actor = actor.in_request(str(carried.manifest.id))
    today = plan.local_date(now)

    def judged() -> tuple[Batch, JudgedRows]:
        batch = batch_of_lines(carried.lines)
        return batch, judge_rows(batch, plan=plan, actor=actor, today=today)

    return ReadyPackage(carried, plan, actor, *await asyncio.to_thread(judged))


async def _sender(
    session: AsyncSession,
    city_code: str,
    carried: CarriedFile,
    kind: str,
    *,
    seal: Seal | None,
    lock: bool = False,
) -> PackagePeer:
    manifest = carried.manifest
    if manifest.format != kind:
        raise PackageRefused(_KIND[manifest.format])
    peer = await queries.peer(session, city_code, manifest.plan, manifest.sender, lock=lock)
    if peer is None:
        said = _UNKNOWN.format(plan=manifest.plan, sender=manifest.sender)
        raise PackageRefused(said)
    if manifest.receiver != peer.own_code:
        said = _NOT_OURS.format(receiver=manifest.receiver, own=peer.own_code)
        raise PackageRefused(said)
    check_sender(peer, carried, seal)
    return peer


@dataclass(frozen=True, slots=True)
class TakenPackage:
    """The result of a package: its verdict in the series, and the outcomes of its items.

    `receipt` is the file to be carried back, with its name; None: there is no answer.
    """

    judged: JudgedPackage
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: Sequence[str] = ()
    receipt: tuple[str, bytes] | None = None
    warned: Sequence[str] = ()


async def take_in(
    session: AsyncSession, ready: ReadyPackage, *, seal: Seal, now: datetime
) -> TakenPackage:
    """Write the figures of a package, and its receipt; one that is not the next writes nothing.

    Raises:
        PackageRefused: it may no longer be taken in.
        PlanChanged, BatchContended: see `carry_out`; it may be retried.
    """
    peer = await _sender(
        session, ready.plan.city_code, ready.carried, PACKAGE, seal=seal, lock=True
    )
    judged, earlier = await _standing(session, peer, ready.carried)
    if judged.verdict == "repeated" and earlier is not None and earlier.receipt is not None:
        return TakenPackage(judged, earlier.counts or {}, (), (earlier.file_name, earlier.receipt))
    if judged.verdict != "next":
        return TakenPackage(judged)
    outcome = await carry_out(
        session, ready.batch, ready.judged, plan=ready.plan, actor=ready.actor, now=now
    )
    lines = await asyncio.to_thread(receipt_lines, outcome.decided, ready.plan, ready.actor)
    manifest = ready.carried.manifest
    cover = Cover(
        format=RECEIPT,
        id=new_id(),
        sender=peer.own_code,
        receiver=peer.peer_code,
        plan=peer.plan_code,
        number=manifest.number,
        made_at=now.replace(microsecond=0),
        answers=ready.carried.digest,
    )
    made = await asyncio.to_thread(made_file, cover, lines, signing_keys(peer, seal))
    counts, refused, warned = _told(lines)
    row = _row(peer, "in", manifest.number, ready.carried.digest, made, now)
    row.counts = counts
    session.add(row)
    peer.in_number, peer.in_digest, peer.updated_at = manifest.number, ready.carried.digest, now
    await session.flush()
    await _audit(session, peer, "package.imported", manifest.number, counts, now)
    return TakenPackage(judged, counts, refused, (row.file_name, made.content), warned)


async def _standing(
    session: AsyncSession, peer: PackagePeer, carried: CarriedFile
) -> tuple[JudgedPackage, CarriedPackage | None]:
    earlier = await queries.carried(session, peer, "in", carried.manifest.number)
    standing = SeriesStanding(peer.in_number, peer.in_digest)
    return judge(carried, standing, None if earlier is None else earlier.digest), earlier


def _told(lines: Sequence[bytes]) -> tuple[dict[str, int], list[str], list[str]]:
    """Return the counts of a receipt, and a line for people for each refusal and each warning."""
    answers = answers_in(lines)
    refused = [_line(one, fault) for one in answers for fault in one.errors]
    warned = [_line(one, fault) for one in answers for fault in one.warnings]
    return counts_of(answers), refused, warned


def _line(one: AnsweredItem, fault: AnsweredFault) -> str:
    return (
        f"{one.index + 1}  {one.indicator_code} {one.organization_code} {one.period}"
        f"  {fault.code}  {fault.detail} / {fault.detail_en}"
    )


_NEVER_SENT = Text(
    "没有发出过第 {number} 号：这份回执不是回答我们的",
    "no number {number} was sent: this receipt answers nothing of ours",
)
_OF_ANOTHER = Text(
    "这份回执回答的是第 {number} 号的另一个文件，请与对方核对",
    "this receipt answers another file of number {number}: ask the other side",
)
_CONTRADICTS = Text(
    "第 {number} 号已由另一份回执关闭，两份不同，请与对方核对",
    "number {number} was closed by another receipt, which says something else: ask the other side",
)
_INCOMPLETE = Text(
    "回执没有答复第 {number} 号的这些条目：{items}",
    "the receipt leaves items of number {number} unanswered: {items}",
)
_NO_ANSWERS = Text(
    "回执的内容不是逐条答复：请与对方核对",
    "the receipt does not hold an answer for each item: ask the other side",
)
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The counts of a receipt; `again`: it was here before."""

    number: int
    counts: Mapping[str, int]
    refused: Sequence[str]
    warned: Sequence[str]
    again: bool


async def acknowledge(
    session: AsyncSession, city_code: str, carried: CarriedFile, *, seal: Seal | None, now: datetime
) -> Acknowledged:
    """Close the package that a receipt answers.

    Raises:
        PackageRefused: it answers no package of ours, or not all of it, or contradicts another.
    """
    peer = await _sender(session, city_code, carried, RECEIPT, seal=seal, lock=True)
    number = carried.manifest.number
    row = await queries.carried(session, peer, "out", number)
    if row is None:
        raise PackageRefused(_NEVER_SENT.format(number=number))
    if row.digest != carried.manifest.answers:
        raise PackageRefused(_OF_ANOTHER.format(number=number))
    try:
        counts, refused, warned = _told(carried.lines)
    except ValueError:
        raise PackageRefused(_NO_ANSWERS) from None
    answered = sorted(one.index for one in answers_in(carried.lines))
    lacking = sorted(set(range(row.items)) - set(answered))
    if lacking or len(answered) != row.items:
        items = ", ".join(str(one + 1) for one in lacking[:_MOST_NAMED])
        raise PackageRefused(_INCOMPLETE.format(number=number, items=items))
    if row.receipt is not None:
        if row.receipt != carried.content:
            raise PackageRefused(_CONTRADICTS.format(number=number))
        return Acknowledged(number, counts, refused, warned, again=True)
    # The package's file is no longer needed.
    row.receipt, row.counts, row.settled_at, row.content = carried.content, counts, now, None
    await session.flush()
    await _audit(session, peer, "package.acknowledged", number, counts, now)
    return Acknowledged(number, counts, refused, warned, again=False)
