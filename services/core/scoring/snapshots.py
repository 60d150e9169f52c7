"""Writes boards: a snapshot and an event for each board that changed, nothing for the others.

One statement writes them all: the snapshots, the events, and the queue of unnumbered events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection
from services.core.kit.ids import new_id
from services.core.kit.trail import note_events, present_traceparent
from services.core.scoring.adding_up import Board
from services.core.scoring.affected import BoardKey
from services.core.scoring.board import Drawn, ScoringContext
from services.core.scoring.queries import EarlierBoard
from services.core.scoring.statements import KEEP_BOARDS

_ACTOR = to_json({"kind": "system", "name": "scoring"}).decode()


@dataclass(frozen=True, slots=True)
class BoardUpdate:
    """A board that was drawn, and the one that it would replace.

    `publication_number` is the number of its publication; None: it is not published.
    """

    key: BoardKey
    drawn: Drawn
    earlier: EarlierBoard | None
    publication_number: int | None = None

    @property
    def sequence(self) -> int:
        """The number of the snapshot if it is written."""
        return self.earlier.sequence + 1 if self.earlier else 1

    def is_news(self, plan_version: int) -> bool:
        """Return whether the board, or the plan's version, differs from the stored snapshot.

        A number belongs to one snapshot, so a publication counts as a change, and so does the board
        after it.
        """
        return (
            self.earlier is None
            or self.earlier.plan_version != plan_version
            or self.earlier.publication_number != self.publication_number
            or self.earlier.board != self.drawn.board
        )


async def keep(
    session: AsyncSession,
    bench: ScoringContext,
    sheets: Sequence[BoardUpdate],
    *,
    position: int,
    now: datetime,
) -> int:
    """Write a snapshot and a `score.updated` event for each board that changed; return how many.

    The caller holds the cursor's lock, so nobody else uses the same sequence numbers.
    """
    state, scheme = bench.state, bench.state.document.scheme
    news = [sheet for sheet in sheets if sheet.is_news(state.version)]
    if not news:
        return 0
    connection = await driver_connection(session)
    event_ids = [new_id() for _ in news]
    values = {
        "city": state.city_code,
        "plan": state.code,
        "plan_version": state.version,
        "method": scheme.name,
        "method_version": scheme.version,
        "position": position,
        "local_date": bench.today,
        "now": now,
        "actor": _ACTOR,
        "bases": [sheet.key[0] for sheet in news],
        "periods": [sheet.key[1] for sheet in news],
        "sequences": [sheet.sequence for sheet in news],
        "boards": [to_json(sheet.drawn.board).decode() for sheet in news],
        "traces": [to_json(sheet.drawn.traces).decode() for sheet in news],
        "publication_numbers": [sheet.publication_number for sheet in news],
        "event_ids": event_ids,
        "traceparent": present_traceparent(),
        "event_data": [to_json(_event_data(sheet, position)).decode() for sheet in news],
    }
    await connection.execute(*KEEP_BOARDS.bind(values))
    note_events(event_ids)
    return len(news)


def _event_data(sheet: BoardUpdate, position: int) -> Mapping[str, Any]:
    basis, period = sheet.key
    overall = sheet.drawn.board["overall"]
    return {
        "period": period,
        "basis": basis,
        "score": overall["score"],
        "display": overall["display"],
        "grade": overall["grade"],
        "coverage": overall["coverage"],
        "indicators": _changed(sheet.drawn.board, sheet.earlier),
        "position": position,
    }


def _changed(board: Board, earlier: EarlierBoard | None) -> list[str]:
    """Return the codes of the indicators whose rows differ."""
    before = {row["code"]: row for row in earlier.board["indicators"]} if earlier else {}
    return [row["code"] for row in board["indicators"] if before.get(row["code"]) != row]
