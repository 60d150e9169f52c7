"""Accounts of government apps that people sign in with: linked and unlinked. In a transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.kit.database import lock_name
from services.core.people import queries
from services.core.people.errors import AccountTaken
from services.core.people.models import LinkedAccount, Person, Provider
from services.core.people.sessions import person_stamp


async def link(
    session: AsyncSession, person: Person, provider: Provider, digest: bytes, *, now: datetime
) -> None:
    """Link an account to a locked person, in place of any other account of that provider.

    Raises:
        AccountTaken: it is linked to somebody else.
    """
    # If two people link one account at once, the second waits and is then refused.
    await lock_name(session, f"account {provider.city_code} {provider.id} {digest.hex()}")
    whose = await queries.linked_person(session, provider.city_code, provider.id, digest)
    if whose == person.id:
        return
    if whose is not None:
        raise AccountTaken
    made = insert(LinkedAccount).values(
        city_code=person.city_code,
        person_id=person.id,
        provider_id=provider.id,
        digest=digest,
        linked_at=now,
    )
    await session.execute(
        made.on_conflict_do_update(
            index_elements=["city_code", "person_id", "provider_id"],
            set_={"digest": digest, "linked_at": now},
        )
    )
    await note_of(
        session,
        "user",
        person,
        "account.linked",
        actor=person_stamp(person.id),
        data={"provider": provider.code},
        at=now,
    )


async def unlink_all(
    session: AsyncSession, person: Person, *, actor: Mapping[str, object], now: datetime
) -> bool:
    """Remove all account links of a locked person; return whether there was one."""
    found = await session.scalars(
        delete(LinkedAccount)
        .where(LinkedAccount.city_code == person.city_code, LinkedAccount.person_id == person.id)
        .returning(LinkedAccount.provider_id)
        .execution_options(synchronize_session=False)
    )
    gone = [str(one) for one in found]
    if gone:
        await note_of(
            session,
            "user",
            person,
            "account.unlinked",
            actor=actor,
            data={"providers": sorted(gone)},
            at=now,
        )
    return bool(gone)
