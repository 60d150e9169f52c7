"""Papers from request to file: made by a worker, kept for good.

All state is in Postgres, under a lease. A paper gets its number, its content and its files in one
transaction, so a worker that is killed at any line leaves a paper for another worker to make, and
never half of one. Making a paper changes nothing in the ledger; the audit records it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note, note_of
from services.core.identity.actor import Actor
from services.core.kit import operations
from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.kit.ids import new_id
from services.core.kit.leases import Taken
from services.core.kit.made_files import MAKING, MadeFiles, end_made
from services.core.kit.operations import Operation
from services.core.papers import queries, statements
from services.core.papers.errors import PaperUnderWay
from services.core.papers.making import PaperContent, PaperFileMade
from services.core.papers.models import Paper, PaperFile, PaperTexts
from services.core.plan.state import PlanState

PAPER = "paper"
"""The type of a paper's operation."""

MOST_UNDER_WAY = 20
_OVER_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PaperWish:
    """The request for a paper: its kind, its period or subject, and its inputs.

    `wanted` holds the selected scoreboard and the office's inputs.
    """

    plan_code: str
    kind: str
    year: int
    period: str | None
    about: str | None
    organization_code: str | None
    wanted: Mapping[str, Any]


async def change_texts(
    session: AsyncSession,
    *,
    plan: PlanState,
    kind: str,
    texts: Mapping[str, str],
    version: int,
    actor: Actor,
    now: datetime,
) -> PaperTexts:
    """Put other texts of a kind of paper in force, after `version`; earlier ones stay."""
    changed = PaperTexts(
        city_code=plan.city_code,
        plan_code=plan.code,
        kind=kind,
        version=version + 1,
        texts=dict(texts),
        changed_by=actor.stamp(),
        changed_at=now,
    )
    session.add(changed)
    await session.flush()
    await note(
        session,
        city_code=plan.city_code,
        action="paper_texts.changed",
        subject=("paper_texts", f"{plan.code}/{kind}"),
        actor=actor.stamp(),
        data={"version": changed.version},
        at=now,
    )
    return changed


def papers_folder(city_code: str) -> str:
    """Return the prefix of the keys of a city's archives with papers."""
    return f"{city_code}/papers/"


def pack_key(city_code: str, token: UUID) -> str:
    """Return the key in the store of an archive with a paper."""
    return f"{papers_folder(city_code)}{token}"


async def begin_paper(
    session: AsyncSession, wish: PaperWish, *, actor: Actor, now: datetime
) -> tuple[Paper, Operation]:
    """Record the request for a paper; a worker makes it.

    Raises:
        PaperUnderWay: too many of the caller's are being made already.
    """
    if await queries.under_way(session, actor.city_code, actor.credential_id) >= MOST_UNDER_WAY:
        raise PaperUnderWay
    paper_id = new_id()
    operation = await operations.begin(
        session,
        city_code=actor.city_code,
        credential_id=actor.credential_id,
        kind=PAPER,
        request={
            "paper_id": str(paper_id),
            "plan": wish.plan_code,
            "kind": wish.kind,
            "period": wish.period,
            "about": wish.about,
        },
        progress={"done": 0, "total": 0},
        now=now,
    )
    paper = Paper(
        city_code=actor.city_code,
        id=paper_id,
        plan_code=wish.plan_code,
        kind=wish.kind,
        year=wish.year,
        number=None,
        period=wish.period,
        about=wish.about,
        organization_code=wish.organization_code,
        wanted=dict(wish.wanted),
        state=MAKING,
        made_by=actor.stamp(),
        credential_id=actor.credential_id,
        operation_id=operation.id,
        attempts=0,
        created_at=now,
        updated_at=now,
    )
    session.add(paper)
    await session.flush()
    return paper, operation


making = MadeFiles(
    Paper,
    {
        "code": "paper-abandoned",
        "detail": {
            "zh": "多次制作都没有完成，请联系管理员查看日志",
            "en": "It could not be finished in several tries: tell whoever runs this deployment",
        },
    },
)
"""A worker's steps with a paper until it is made."""


async def finish_paper(
    session: AsyncSession,
    taken: Taken,
    made: PaperContent,
    files: Sequence[PaperFileMade],
    *,
    lost: Sequence[Mapping[str, Any]] = (),
    now: datetime,
) -> bool:
    """Number a paper and store it with its files; return whether the worker still held its lease.

    `lost` lists files of evidence that the store did not have.
    """
    found = await making.held(session, taken)
    if found is None:
        return False
    paper, operation = found
    paper.number = await _next_number(session, paper)
    end_made(paper, operation, now)
    paper.position, paper.digest = made.position, made.digest
    paper.title, paper.as_of = made.title, made.as_of
    paper.figure_count = len(made.figures)
    paper.content = dict(made.content)
    paper.figures = [dict(one) for one in made.figures]
    session.add_all(
        PaperFile(
            city_code=paper.city_code,
            paper_id=paper.id,
            format=file.format,
            content=file.content,
            file_token=file.file_token,
            size=file.size,
            sha256=file.sha256,
        )
        for file in files
    )
    operation.result = _result(paper, files)
    operation.progress = {"done": len(files), "total": len(files)}
    operation.errors = [dict(one) for one in lost]
    await session.flush()
    await note_of(
        session,
        "paper",
        paper,
        "paper.made",
        actor=paper.made_by,
        data={
            "plan": paper.plan_code,
            "kind": paper.kind,
            "year": paper.year,
            "number": paper.number,
            "position": paper.position,
            "digest": paper.digest,
        },
        at=now,
    )
    return True


async def _next_number(session: AsyncSession, paper: Paper) -> int:
    of = {"city": paper.city_code, "plan": paper.plan_code, "kind": paper.kind, "year": paper.year}
    return (await session.scalar(statements.LAST_NUMBER, of) or 0) + 1


def _result(paper: Paper, files: Sequence[PaperFileMade]) -> dict[str, Any]:
    path = f"/v1/papers/{paper.id}"
    return {
        "paper_id": str(paper.id),
        "number": paper.number,
        "path": path,
        "files": [
            {
                "format": file.format,
                "size": file.size,
                "sha256": file.sha256,
                "path": f"{path}/content/{file.format}",
            }
            for file in files
        ],
    }


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Delete requests older than a month that never became a paper; return how many."""
    old = {"city": city_code, "before": clock.now() - _OVER_KEPT}
    return await rows_changed(session, statements.DROP_OVER, old)
