"""Prepares a database for the services: schema, first plan, first keys; safe at every start."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.data_directory import write_secret
from services.console.schema import upgrade
from services.console.settings import PROJECT
from services.core.identity.actor import system
from services.core.identity.queries import city_codes, key_by_digest
from services.core.identity.rules import Role
from services.core.identity.service import FIRST_ADMINISTRATORS, create_first_key
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import connect, driver_connection, lock_name
from services.core.kit.exact_yaml import read_yaml
from services.core.kit.secrets import digest
from services.core.plan.document import PlanDocument
from services.core.plan.queries import has_plan
from services.core.plan.rules import read_document
from services.core.registers.rekeying import load_plan_over_rows

_FIRST_PLAN = PROJECT / "plans" / "410183-2025.yaml"
_ACTOR = system("wufei up")


async def prepare(
    owner_url: str,
    database_url: str,
    *,
    admin_key: Path,
    clock: Clock,
    plan: PlanDocument | None = None,
) -> None:
    """Migrate the database to this version's schema, and add a plan and three administrators.

    The owner makes the schema; the services' role does the rest.

    The plan is Xinmi's unless another is given; an existing one stays.
    """
    await upgrade(owner_url, service_url=database_url, alone=True)
    async with (
        connect(database_url, size=2, application_name="wufei-up") as database,
        database.transaction() as session,
    ):
        # Of two concurrent starts on one database, the second finds the first one's plan and key.
        await lock_name(session, "wufei up")
        if not await has_plan(session):
            document = plan or first_plan()
            with in_city(document.city.code):
                await load_plan_over_rows(session, document=document, actor=_ACTOR, now=clock.now())
        for role, file in first_keys(admin_key).items():
            await _write_first_key(session, role, file, clock)


def first_keys(admin_key: Path) -> Mapping[Role, Path]:
    """Return the files of the three administrators' keys, all beside the system administrator's."""
    files = (admin_key, *(admin_key.with_name(f"{name}.key") for name in ("security", "audit")))
    return dict(zip(FIRST_ADMINISTRATORS, files, strict=True))


@cache
def first_plan() -> PlanDocument:
    """Return the plan of a new ledger: Xinmi's, as printed."""
    return read_document(read_yaml(_FIRST_PLAN.read_bytes()))


async def _write_first_key(session: AsyncSession, role: Role, file: Path, clock: Clock) -> None:
    """Make an administrator's key unless `file` has one that this database knows.

    The file is written before the transaction commits. So a crash in between leaves a file with an
    invalid key, which the next start replaces, and never a key that nobody has.
    """
    cities = await city_codes(session)
    kept = _digest_in(file)
    now = clock.true_now()
    connection = await driver_connection(session)
    for city in cities:
        with in_city(city):
            if await key_by_digest(connection, city_code=city, digest=kept, now=now) is not None:
                return
    with in_city(cities[0]):
        secret = await create_first_key(
            session, city_code=cities[0], actor=_ACTOR, now=now, role=role
        )
    write_secret(file, secret + "\n")


def _digest_in(file: Path) -> bytes:
    try:
        return digest(file.read_text().strip())
    except FileNotFoundError:
        return b""
