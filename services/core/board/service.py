"""Makes and revokes links to the board. Each change is written to the audit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.board.models import BoardLink
from services.core.board.rules import end_faults
from services.core.identity.actor import Actor
from services.core.kit.errors import InvalidInput
from services.core.kit.ids import new_id
from services.core.kit.secrets import mint

LABEL = "wufeiboard"
"""The prefix of a link's secret."""


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """The plan and end of a new link; `name` tells people whom it is for."""

    plan_code: str
    name: str
    expires_at: datetime


async def make_link(
    session: AsyncSession, *, request: LinkRequest, actor: Actor, now: datetime
) -> tuple[BoardLink, str]:
    """Make a link and return it with its secret, which is shown only now.

    Raises:
        InvalidInput: its end is in the past, or too far in the future.
    """
    faults = end_faults(request.expires_at, now, "/expires_at")
    if faults:
        raise InvalidInput(faults=faults)
    minted = mint(f"{LABEL}_{actor.city_code}")
    link = BoardLink(
        city_code=actor.city_code,
        id=new_id(),
        plan_code=request.plan_code,
        name=request.name,
        prefix=minted.prefix,
        secret_digest=minted.digest,
        created_by=actor.credential_id,
        created_at=now,
        expires_at=request.expires_at,
        revoked_at=None,
    )
    session.add(link)
    await session.flush()
    await _note(session, link, "board_link.created", actor, now)
    return link, minted.text


async def revoke_link(
    session: AsyncSession, link: BoardLink, *, actor: Actor, now: datetime
) -> None:
    """Revoke a locked link. Idempotent."""
    if link.revoked_at is None:
        link.revoked_at = now
        await session.flush()
        await _note(session, link, "board_link.revoked", actor, now)


async def _note(
    session: AsyncSession, link: BoardLink, action: AuditAction, actor: Actor, now: datetime
) -> None:
    data = {
        "plan": link.plan_code,
        "prefix": link.prefix,
        "expires_at": link.expires_at.isoformat(),
    }
    await note_of(session, "board_link", link, action, actor=actor.stamp(), data=data, at=now)
