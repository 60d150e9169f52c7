"""Makes and closes file drops, and orders a file to be written again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.drops import queries
from services.core.drops.drop_lines import FOLDER
from services.core.drops.errors import DropRefused
from services.core.drops.models import FileDrop
from services.core.drops.statements import AGAIN
from services.core.events.catalogue import type_faults
from services.core.events.queries import log_position
from services.core.identity.actor import Actor
from services.core.identity.queries import actor_of_key
from services.core.identity.rules import Permission
from services.core.kit.database import lock_name
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.file_series import NOTHING_BEFORE
from services.core.kit.ids import new_id
from services.core.kit.text import Text
from services.core.plan.queries import plan_codes
from services.core.plan.visibility import sees_plan

_FOLDER = Text(
    "应为小写字母、数字和连字符，至多 40 个，如 exchange",
    "Must be up to 40 small letters, digits and hyphens, such as exchange",
)
_OWNER = Text(
    "没有这个有效的密钥，或它不能读取（这个计划的）事件并管理回调（events:read、webhooks:write）",
    "There is no such key that is good, or it may not read events (of this plan) and manage"
    " webhooks (events:read, webhooks:write)",
)
_OWNER_DEAF = Text(
    "{owner}：没有这个有效的密钥，或它不能读取（这个计划的）事件并管理回调"
    "（events:read、webhooks:write）",
    "{owner}: there is no such key that is good, or it may not read events (of this plan) and"
    " manage webhooks (events:read, webhooks:write)",
)
_OWNER_LOST = Text(
    "它的密钥 {owner} 已失效，或不再能读取事件并管理回调：请用 --owner 另给一个",
    "its key {owner} is good no more, or may not read events and manage webhooks any more: name"
    " another one with --owner",
)
_NO_PLAN = Text("没有这个计划", "There is no such plan")
_TAKEN = Text("已有投递到这个文件夹的设置", "Events are dropped into this folder already")
_TOO_MANY = Text(f"一个市至多 {queries.MOST_DROPS} 个", f"A city has {queries.MOST_DROPS} at most")
_NONE = Text("没有投递到文件夹 {folder} 的设置", "No events are dropped into the folder {folder}")
_GONE = Text(
    "第 {number} 号没有保留：没有写过，或已超过 90 天",
    "number {number} is not kept: it was never made, or is older than 90 days",
)


def hears(actor: Actor | None, city_code: str, plan_code: str | None) -> bool:
    """Return whether a key may have events sent to others, as webhooks are.

    With a `plan_code`, those of that plan: a key bound to another plan may not.
    """
    return (
        actor is not None
        and actor.may(Permission.READ_EVENTS)
        and actor.may(Permission.MANAGE_WEBHOOKS)
        and (plan_code is None or sees_plan(actor, city_code=city_code, plan_code=plan_code))
    )


@dataclass(frozen=True, slots=True)
class DropRequest:
    """The folder and the events of a new drop; no types: all, no plan: those of every plan."""

    folder: str
    owner_id: UUID
    plan_code: str | None = None
    event_types: tuple[str, ...] = ()


async def create_drop(
    session: AsyncSession, city_code: str, request: DropRequest, *, actor: Actor, now: datetime
) -> FileDrop:
    """Make a file drop for a folder, from the next event on.

    Raises:
        InvalidInput: the request has faults, which are all reported.
        DropRefused: the city has as many as it may have.
    """
    await lock_name(session, f"file drops of {city_code}")
    faults = list(_faults(request))
    owner = await actor_of_key(session, city_code, request.owner_id, channel="drop", now=now)
    if not hears(owner, city_code, request.plan_code):
        faults.append(Fault("/owner", "owner-cannot-hear", _OWNER, str(request.owner_id)))
    plans = await plan_codes(session, city_code)
    if request.plan_code is not None and request.plan_code not in plans:
        faults.append(Fault("/plan", "plan-not-found", _NO_PLAN, request.plan_code))
    if await queries.drop_in(session, city_code, request.folder) is not None:
        faults.append(Fault("/folder", "folder-taken", _TAKEN, request.folder))
    if faults:
        raise InvalidInput(faults=faults)
    if len(await queries.drops(session, city_code)) >= queries.MOST_DROPS:
        raise DropRefused(_TOO_MANY)
    begins = await log_position(session, city_code)
    drop = FileDrop(
        city_code=city_code,
        id=new_id(),
        folder=request.folder,
        owner_id=request.owner_id,
        plan_code=request.plan_code,
        event_types=sorted(set(request.event_types)),
        state="active",
        state_reason=None,
        position=begins,
        reached=begins,
        number=0,
        digest=NOTHING_BEFORE,
        created_at=now,
        updated_at=now,
    )
    session.add(drop)
    await session.flush()
    told = {
        "folder": drop.folder,
        "owner_id": str(drop.owner_id),
        "plan": drop.plan_code,
        "event_types": drop.event_types,
    }
    await note_of(
        session, "file_drop", drop, "file_drop.created", actor=actor.stamp(), data=told, at=now
    )
    return drop


def _faults(request: DropRequest) -> Iterator[Fault]:
    if re.fullmatch(FOLDER, request.folder) is None:
        yield Fault("/folder", "folder-name", _FOLDER, request.folder)
    for index, one in enumerate(request.event_types):
        yield from type_faults(one, f"/event_types/{index}")


async def drop_of(session: AsyncSession, city_code: str, folder: str) -> FileDrop:
    """Return the file drop of a folder, locked.

    Raises:
        DropRefused: there is none.
    """
    found = await queries.drop_in(session, city_code, folder)
    if found is None:
        raise DropRefused(_NONE.format(folder=folder))
    return found


async def close_drop(
    session: AsyncSession,
    drop: FileDrop,
    reason: str,
    *,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """Close a drop: it takes no further events; existing files are still written. Idempotent."""
    if drop.state == "disabled":
        return
    drop.state, drop.state_reason, drop.updated_at = "disabled", reason, now
    await session.flush()
    await note_of(
        session,
        "file_drop",
        drop,
        "file_drop.disabled",
        actor=actor,
        data={"reason": reason},
        at=now,
    )


async def open_drop(
    session: AsyncSession,
    drop: FileDrop,
    owner_id: UUID | None = None,
    *,
    actor: Mapping[str, object],
    now: datetime,
) -> None:
    """Reopen a drop where it was closed, as another key if one is given; no event is lost.

    An open drop changes to that key too, before its former key ends.

    Raises:
        DropRefused: that key, or its former one, is no longer valid or may not read the events.
    """
    wanted = drop.owner_id if owner_id is None else owner_id
    owner = await actor_of_key(session, drop.city_code, wanted, channel="drop", now=now)
    if not hears(owner, drop.city_code, drop.plan_code):
        raise DropRefused((_OWNER_LOST if owner_id is None else _OWNER_DEAF).format(owner=wanted))
    if (drop.state, drop.owner_id) == ("active", wanted):
        return
    drop.owner_id = wanted
    drop.state, drop.state_reason, drop.updated_at = "active", None, now
    await session.flush()
    await note_of(
        session,
        "file_drop",
        drop,
        "file_drop.enabled",
        actor=actor,
        data={"owner_id": str(wanted)},
        at=now,
    )


async def write_again(session: AsyncSession, drop: FileDrop, number: int) -> None:
    """Have a file written again, with the same bytes.

    Raises:
        DropRefused: its bytes are no longer kept.
    """
    given = {"city": drop.city_code, "drop": drop.id, "number": number}
    if await session.scalar(AGAIN, given) is None:
        raise DropRefused(_GONE.format(number=number))
