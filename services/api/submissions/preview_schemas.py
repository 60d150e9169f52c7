"""Pydantic schemas only of a batch preview: the changes, and their effect on the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.score_changes import CauseOut, IndicatorChangeOut, indicator_change
from services.core.kit.decimals import plain
from services.core.scoring.changes import Cause
from services.core.scoring.foreseeing import ForeseenBoard, Foresight, SupposedStep
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.deciding import Decided
from services.core.submissions.batch.previews import expires_at
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import REMARKS


class RowChangeOut(BaseModel):
    """What one row would change: the members that would be another, as they are and would be."""

    index: int | None = Field(description="Which row, from 0; null: `replace` takes it back")
    id: UUID | None = Field(description="Of the submission; null: it would be a new one")
    before: dict[str, Any] | None = Field(
        description="In the names of `SubmissionOut`; null: there is none yet"
    )
    after: dict[str, Any] = Field(description="The same members as they would be")


class ForeseenBoardOut(BaseModel):
    """A scoreboard as it stands, or as it would be."""

    score: Digits | None = Field(description="0–100, unrounded; null counts as 0 here")
    display: str | None = Field(description="The score as it is shown to people")
    grade: str | None = Field(description="Code of the grade that it has; null: none")
    coverage: Digits | None = Field(description="Which part of the plan the score speaks for, 0–1")


class ForeseenChangesOut(BaseModel):
    """What would follow for one scoreboard, as `scoreboard/changes` would say it."""

    model_config = ConfigDict(populate_by_name=True)

    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    basis: Annotated[str, one_of(["approved", "submitted"])] = Field(
        description="`submitted`: what follows at once. `approved`: what follows once those rows"
        " that are handed in are approved, and nothing else is"
    )
    from_: ForeseenBoardOut = Field(alias="from", description="As it stands")
    to: ForeseenBoardOut = Field(description="As it would be")
    difference: Digits = Field(description="The later score less the earlier one, exact")
    whole_plan: list[CauseOut] = Field(description="What is no single indicator's")
    indicators: list[IndicatorChangeOut] = Field(description="Those of which something changed")


class PreviewOut(BaseModel):
    """What a preview says beside the report of the live call."""

    preview_id: UUID = Field(description="For `commit`, which writes just this or is 409")
    expires_at: datetime = Field(
        description="Until when it can be committed; of one credential the last ten are kept"
    )
    changes: list[RowChangeOut] = Field(description="Row by row, of those that would be written")
    scores: list[ForeseenChangesOut] | None = Field(
        description="The scoreboards that would differ, the earliest period first; null: the caller"
        " may not read any. `submitted` is told to those who may see every submission"
    )
    more_scores: int = Field(
        description="How many scoreboards of earlier periods were not looked at: a hundred are"
    )


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a preview found; `foresight` None: the caller may read no scoreboard."""

    decided: Sequence[Decided]
    foresight: Foresight | None


def preview_report(preview_id: UUID, foreseen: Foreseen) -> dict[str, Any]:
    """Return the members that only a preview has, as `PreviewOut` has them."""
    new = {
        one.submission["id"]
        for one in foreseen.decided
        if one.submission is not None and one.outcome == "created"
    }
    foresight = foreseen.foresight
    return {
        "preview_id": preview_id,
        "expires_at": expires_at(preview_id),
        "changes": [_changed(one) for one in foreseen.decided if one.action is not None],
        "scores": None if foresight is None else [_board(one, new) for one in foresight.boards],
        "more_scores": 0 if foresight is None else foresight.left_out,
    }


_TOLD = ("state", *FORMS, *REMARKS)
_NUMBERS = frozenset({"value", "numerator", "denominator"})


def _changed(one: Decided) -> dict[str, Any]:
    before, after = one.before, one.submission or {}
    names = [name for name in _TOLD if after[name] != (None if before is None else before[name])]
    return {
        "index": one.index,
        "id": None if before is None else before["id"],
        "before": None if before is None else _shown(before, names),
        "after": _shown(after, names),
    }


def _shown(row: SubmissionRow, names: Sequence[str]) -> dict[str, Any]:
    return {
        name: plain(row[name]) if name in _NUMBERS and row[name] is not None else row[name]
        for name in names
    }


def _board(board: ForeseenBoard, new: set[UUID]) -> dict[str, Any]:
    return {
        "period": board.period,
        "basis": board.basis,
        "from": _standing(board.before),
        "to": _standing(board.after),
        "difference": plain(board.changes.difference),
        "whole_plan": [_cause(cause, new) for cause in board.changes.whole],
        "indicators": [
            indicator_change(one, [_cause(cause, new) for cause in one.causes])
            for one in board.changes.indicators
        ],
    }


def _standing(board: Mapping[str, Any]) -> dict[str, Any]:
    return {name: board["overall"][name] for name in ("score", "display", "grade", "coverage")}


def _cause(cause: Cause, new: set[UUID]) -> dict[str, Any]:
    """Return a cause; a new submission has no permanent id yet."""
    said: dict[str, Any] = {"kind": cause.kind, "points": plain(cause.points), "events": []}
    if isinstance(cause.reference, SupposedStep):
        row = cause.reference.value.row
        said |= {
            "period": row["period"],
            "organization_code": row["organization_code"],
            "submission_id": None if row["id"] in new else row["id"],
            "revision": row["revision"],
            "more_values": cause.reference.more,
        }
    return said
