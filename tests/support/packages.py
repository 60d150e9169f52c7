"""Two installations without a network between them, and files that are carried over."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.core.identity.actor import operator
from services.core.identity.giving import KeyRequest
from services.core.identity.service import create_key
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.file_series import NOTHING_BEFORE
from services.core.kit.ids import new_id
from services.core.kit.sealing import Seal
from services.core.packages.lifecycle import PeerRequest, register_peer
from services.core.packages.manifests import (
    PACKAGE,
    CarriedFile,
    Cover,
    MadeFile,
    made_file,
    opened,
)
from services.core.packages.models import CarriedPackage
from services.core.packages.service import (
    Acknowledged,
    TakenPackage,
    acknowledge,
    locked_peer,
    make_package,
    make_ready,
    next_to_write,
    note_written,
    take_in,
)
from services.core.packages.signing import own_key
from services.core.webhooks.signing import SigningKey
from tests.support.reports import Place, Reports, places
from tests.support.servers import Addresses
from tests.unit.scoring.builders import CITY, PLAN

HERE, THERE = "xinmi", "zhengzhou"
SECRET = SigningKey("v1", b"a secret that two know well.")
SEALS = {HERE: Seal([b"h" * 32]), THERE: Seal([b"t" * 32])}
SIGNERS = [SECRET, own_key(SEALS[HERE])]


def a_series(number: int, items: int = 3) -> list[MadeFile]:
    """Return packages that follow each other, of made-up figures; no database is needed."""
    made: list[MadeFile] = []
    for one in range(1, number + 1):
        cover = Cover(
            format=PACKAGE,
            id=new_id(),
            sender=HERE,
            receiver=THERE,
            plan=PLAN,
            number=one,
            made_at=Clock().now().replace(microsecond=0),
            previous=made[-1].digest if made else NOTHING_BEFORE,
            after_position=one - 1,
            upto_position=one,
        )
        lines = [f'{{"of": {one}, "item": {item}}}'.encode() for item in range(items)]
        made.append(made_file(cover, lines, SIGNERS))
    return made


@dataclass
class Installation:
    """A database with a plan, whose figures go to another one or come from there."""

    name: str
    reports: Reports

    @property
    def database(self) -> Database:
        return self.reports.database

    @property
    def seal(self) -> Seal:
        return SEALS[self.name]

    @property
    def now(self) -> Any:
        return self.reports.clock.now()

    async def know(self, other: str, **more: Any) -> None:
        """Register another installation, whose packages are written as an integrator's key."""
        async with self.database.transaction() as session:
            key, _ = await create_key(
                session,
                request=KeyRequest(
                    "packages",
                    "integrator",
                    scopes=("plan:read", "submissions:read", "submissions:write"),
                    city_code=CITY,
                ),
                actor=operator(CITY),
                plan_codes=[PLAN],
                now=self.now,
            )
            public = own_key(SEALS[other]).public_text
            given = {
                "key_id": key.id,
                "secret": SECRET.text,
                "public_keys": (str(public),),
                **more,
            }
            await register_peer(
                session,
                CITY,
                PeerRequest(PLAN, other, self.name, **given),
                actor=operator(CITY),
                seal=self.seal,
                now=self.now,
            )

    async def approve(self, *places: Place, **more: Any) -> None:
        """Have figures approved, and numbered in the log."""
        await self.reports.approve(*places, **more)

    async def export(self) -> MadeFile | None:
        async with self.database.transaction() as session:
            peer = await locked_peer(session, CITY, PLAN, THERE)
            return await make_package(session, peer, seal=self.seal, now=self.now)

    async def to_write(self, *, written: bool = False) -> CarriedPackage | None:
        """Return what an export writes next, and say that it is written where it is."""
        async with self.database.transaction() as session:
            peer = await locked_peer(session, CITY, PLAN, THERE)
            row = await next_to_write(session, peer, seal=self.seal, now=self.now)
            if row is not None and written:
                await note_written(session, peer, row.number, now=self.now)
            return row

    async def take(self, content: bytes) -> TakenPackage:
        """Take a file in, as the command does."""
        carried = opened(content)
        async with self.database.sessions() as session:
            ready = await make_ready(session, CITY, carried, seal=self.seal, now=self.now)
        async with self.database.transaction() as session:
            return await take_in(session, ready, seal=self.seal, now=self.now)

    async def close(self, receipt: bytes) -> Acknowledged:
        carried: CarriedFile = opened(receipt)
        async with self.database.transaction() as session:
            return await acknowledge(session, CITY, carried, seal=self.seal, now=self.now)

    async def values(self) -> dict[Place, tuple[str, str, int]]:
        """Return what is reported: by place its value, state and version."""
        rows = await self.database.pool.fetch(
            "SELECT indicator_code, organization_code, period, value, state, version"
            " FROM submission WHERE city_code = $1",
            CITY,
        )
        return {
            (row[0], row[1], row[2]): (
                f"{row['value'].normalize():f}",
                row["state"],
                row["version"],
            )
            for row in rows
        }

    async def counted(self) -> Sequence[int]:
        """Return how many submissions, changes, events and packages there are."""
        row = await self.database.pool.fetchrow(
            "SELECT (SELECT count(*) FROM submission WHERE city_code = $1),"
            " (SELECT count(*) FROM submission_history WHERE city_code = $1),"
            " (SELECT count(*) FROM event WHERE city_code = $1),"
            " (SELECT count(*) FROM carried_package WHERE city_code = $1)",
            CITY,
        )
        return tuple(row)

    async def peer_id(self) -> UUID:
        found: UUID = await self.database.pool.fetchval(
            "SELECT id FROM package_peer WHERE city_code = $1", CITY
        )
        return found


@asynccontextmanager
async def an_installation(url: str, name: str, other: str) -> AsyncIterator[Installation]:
    """Yield one at work, that knows the other."""
    async with connect(url, size=4) as database:
        made = Installation(name, Reports(database))
        await made.reports.load()
        await made.know(other)
        yield made


@dataclass
class Gap:
    """An installation on either side, and no network between them."""

    here: Installation
    there: Installation

    async def carried(self, number: int) -> list[MadeFile]:
        """Return so many packages, a figure each."""
        made = []
        every = [place for year in range(2025, 2020, -1) for place in places(60, str(year))]
        for at, place in enumerate(every[:number]):
            await self.here.approve(place, value=f"{at % 90}.5")
            file = await self.here.export()
            assert file is not None
            made.append(file)
        return made


@asynccontextmanager
async def gap_between(addresses: Addresses) -> AsyncIterator[Gap]:
    """Yield two installations, each with a database of its own."""
    async with (
        addresses.clone() as one,
        addresses.clone() as other,
        an_installation(one, HERE, THERE) as here,
        an_installation(other, THERE, HERE) as there,
    ):
        yield Gap(here, there)
