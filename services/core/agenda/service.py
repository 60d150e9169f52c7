"""Makes and revokes calendar tokens. Each change is written to the audit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.agenda.errors import CalendarBeyondScope
from services.core.agenda.models import CalendarToken
from services.core.agenda.rules import CalendarScope, may_show
from services.core.audit.actions import AuditAction
from services.core.audit.service import note_of
from services.core.identity.actor import Actor
from services.core.kit.ids import new_id
from services.core.kit.secrets import mint


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Whose deadlines a new calendar shows; `name` tells people what it is for."""

    plan_code: str
    scope: CalendarScope
    organization_code: str | None
    name: str


async def create_token(
    session: AsyncSession, *, request: TokenRequest, actor: Actor, now: datetime
) -> tuple[CalendarToken, str]:
    """Make a token and return it with its secret, which is shown only now.

    Raises:
        CalendarBeyondScope: it would show deadlines that the actor may not see.
    """
    unit = request.organization_code if request.scope == "unit" else actor.organization_code
    if not may_show(actor, request.scope, unit):
        raise CalendarBeyondScope
    minted = mint(f"wufeical_{actor.city_code}")
    token = CalendarToken(
        city_code=actor.city_code,
        id=new_id(),
        plan_code=request.plan_code,
        scope=request.scope,
        organization_code=None if request.scope == "plan" else unit,
        credential_id=actor.credential_id,
        role=actor.role,
        name=request.name,
        prefix=minted.prefix,
        secret_digest=minted.digest,
        created_at=now,
        revoked_at=None,
    )
    session.add(token)
    await session.flush()
    await _note(session, token, "calendar_token.created", actor, now)
    return token, minted.text


async def revoke_token(
    session: AsyncSession, token: CalendarToken, *, actor: Actor, now: datetime
) -> None:
    """Revoke a locked token. Idempotent."""
    if token.revoked_at is None:
        token.revoked_at = now
        await session.flush()
        await _note(session, token, "calendar_token.revoked", actor, now)


async def _note(
    session: AsyncSession, token: CalendarToken, action: AuditAction, actor: Actor, now: datetime
) -> None:
    data = {
        "plan": token.plan_code,
        "scope": token.scope,
        "organization_code": token.organization_code,
        "prefix": token.prefix,
    }
    stamp = actor.stamp()
    await note_of(session, "calendar_token", token, action, actor=stamp, data=data, at=now)
