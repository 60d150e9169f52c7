"""Writing boards: a snapshot and its event for each one that changed, nothing for the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import Happening, record
from services.core.plan.queries import PlanState
from services.core.scoring.board import Bench, Board, Drawn
from services.core.scoring.queries import EarlierBoard
from services.core.scoring.touch import BoardKey

ACTOR: Mapping[str, object] = {"kind": "system", "name": "scoring"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A board to be kept. `whole` is false where only some of its traces were made anew."""

    key: BoardKey
    drawn: Drawn
    whole: bool
    earlier: EarlierBoard | None


# Postgres compares, so that the earlier traces need not travel.
_KEEP = text("""
WITH made AS (
    SELECT m.basis, m.period, m.whole, CAST(m.board AS jsonb) AS board,
        CAST(m.traces AS jsonb) AS traces, m.sequence
    FROM unnest(CAST(:bases AS text[]), CAST(:periods AS text[]), CAST(:sequences AS integer[]),
        CAST(:whole AS boolean[]), CAST(:boards AS text[]), CAST(:traces AS text[]))
        AS m(basis, period, sequence, whole, board, traces)
), compared AS (
    SELECT m.basis, m.period, m.sequence, m.board,
        CASE WHEN m.whole THEN m.traces ELSE s.traces || m.traces END AS traces,
        s.sequence AS before, s.plan_version, s.board AS board_before, s.traces AS traces_before
    FROM made m LEFT JOIN score_snapshot s ON s.city_code = :city AND s.plan_code = :plan
        AND s.basis = m.basis AND s.period = m.period AND s.sequence = m.sequence - 1
)
INSERT INTO score_snapshot (city_code, plan_code, basis, period, sequence, plan_version, method,
    method_version, position, local_date, computed_at, board, traces)
SELECT :city, :plan, basis, period, sequence, :version, :method, :method_version, :position,
    :local_date, :computed_at, board, traces
FROM compared
WHERE before IS NULL OR plan_version <> :version OR board <> board_before
    OR traces <> traces_before
RETURNING basis, period
""")


async def keep(
    session: AsyncSession, bench: Bench, sheets: Sequence[Sheet], *, position: int, now: datetime
) -> int:
    """Write a snapshot and a `score.updated` event for each board that changed; return how many.

    The caller holds the cursor's lock, so nobody else counts up the same sequence.
    """
    if not sheets:
        return 0
    state, scheme = bench.state, bench.state.document.scheme
    rows = await session.execute(
        _KEEP,
        {
            "city": state.city_code,
            "plan": state.code,
            "bases": [sheet.key[0] for sheet in sheets],
            "periods": [sheet.key[1] for sheet in sheets],
            "sequences": [sheet.earlier.sequence + 1 if sheet.earlier else 1 for sheet in sheets],
            "whole": [sheet.whole for sheet in sheets],
            "boards": [to_json(sheet.drawn.board).decode() for sheet in sheets],
            "traces": [to_json(sheet.drawn.traces).decode() for sheet in sheets],
            "version": state.version,
            "method": scheme.name,
            "method_version": scheme.version,
            "position": position,
            "local_date": bench.today,
            "computed_at": now,
        },
    )
    changed = {(basis, period) for basis, period in rows}
    await record(
        session,
        *(_happening(state, sheet, position, now) for sheet in sheets if sheet.key in changed),
    )
    return len(changed)


def _happening(state: PlanState, sheet: Sheet, position: int, now: datetime) -> Happening:
    basis, period = sheet.key
    overall = sheet.drawn.board["overall"]
    return Happening(
        city_code=state.city_code,
        plan_code=state.code,
        type="score.updated",
        subject_kind="scoreboard",
        subject_id=f"{state.code}/{period}/{basis}",
        organization_code=None,
        actor=ACTOR,
        data={
            "period": period,
            "basis": basis,
            "score": overall["score"],
            "display": overall["display"],
            "grade": overall["grade"],
            "coverage": overall["coverage"],
            "indicators": _changed(sheet.drawn.board, sheet.earlier),
            "position": position,
        },
        occurred_at=now,
    )


def _changed(board: Board, earlier: EarlierBoard | None) -> list[str]:
    """Return the codes of the indicators whose rows are not what they were."""
    before = {row["code"]: row for row in earlier.board["indicators"]} if earlier else {}
    return [row["code"] for row in board["indicators"] if before.get(row["code"]) != row]
