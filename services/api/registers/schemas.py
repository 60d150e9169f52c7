"""Pydantic schemas of the rows of registers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, WithJsonSchema, WrapValidator
from pydantic_core import to_json

from services.api.contract.refusals import FaultOut
from services.api.deferred_faults import DeferredFaults, keep_faults
from services.api.paging import LIMITED_TO_SCOPE, FollowedPageOut, HistoryChangeOut, PageOut
from services.api.problems import fault_out
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, Said, Words
from services.core.kit.text import Language
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.state import PlanState
from services.core.plan.visibility import pieces_seen
from services.core.plan.written import Day
from services.core.registers.demands import missing_files
from services.core.registers.rules import (
    MOST_ROWS,
    RegisterOutcome,
    Row,
    RowDraft,
    RowState,
    RowVerb,
    allowed_actions,
)
from services.core.registers.service import WrittenRow

_CELL = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "null"},
        ]
    }
)
CellIn = Annotated[Any, _CELL]
CellOut = Annotated[Any, _CELL]

_VALUES_IN = (
    "What the row says, by the code of the column: text, a day as `2025-03-20`, a number as text or"
    " number, a code, true or false; null takes a cell back"
)
_VALUES_OUT = "What the row says, by the code of the column; numbers that are exact are text"


class RegisterRowIn(Said):
    """A row of a register."""

    organization_code: CodeIn = Field(description="The unit that keeps the row")
    values: dict[str, CellIn] = Field(description=_VALUES_IN)


class RegisterRowPatch(Said):
    """What changes of a row."""

    values: dict[str, CellIn] = Field(
        default_factory=dict,
        description=f"{_VALUES_IN}. Columns that are not named stay as they are",
    )


CheckedRow = Annotated[RegisterRowIn, WrapValidator(keep_faults)]
"""A `RegisterRowIn`, or its `DeferredFaults` if it fails validation."""


class RegisterRowBatchIn(Said):
    """Up to 5,000 rows of one register at once."""

    items: list[CheckedRow] = Field(
        min_length=1, max_length=MOST_ROWS, description="The rows, in any order"
    )


class RowEndIn(Said):
    """Why a row ceases to count, and from when."""

    reason: Words = Field(description="In a sentence or two; its unit reads it")
    ended_on: Day | None = Field(
        default=None, description="The first day on which it counts no more; default: today"
    )


class RegisterRowOut(BaseModel):
    """A row of a register, and what this caller may do with it."""

    id: UUID = Field(description="Its id, for good")
    version: int = Field(description="Counts its changes")
    plan: str = Field(description="Code of the plan")
    register_code: str = Field(description="Code of the register")
    organization_code: str = Field(description="The unit that keeps it")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    state: RowState = Field(
        description="`draft` waits to be confirmed; `confirmed` counts; `ended` and `revoked` count"
        " no more; `withdrawn` never did"
    )
    values: dict[str, CellOut] = Field(description=_VALUES_OUT)
    counted_values: dict[str, CellOut] | None = Field(
        description="What was confirmed last and counts while a correction waits; null: nothing"
    )
    valid_from: date | None = Field(description="The first day that it holds; null: from ever")
    valid_to: date | None = Field(description="The last day that it holds; null: for ever")
    ended_on: date | None = Field(description="The first day on which it counts no more")
    renew_by: date | None = Field(description="By when it is to be renewed; null: it need not be")
    recheck_by: date | None = Field(
        description="By when it is to be looked at again; null: it need not be"
    )
    reason: str | None = Field(description="Why it was last moved, as was said")
    evidence_count: int = Field(description="How many files of evidence it rests upon")
    evidence_missing: int = Field(
        description="How many more files the register asks for before it is confirmed; 0: none"
    )
    allowed_actions: list[RowVerb] = Field(description="What this caller may do with it now")
    created_at: datetime = Field(description="When it was first written")
    updated_at: datetime = Field(description="When it last changed")


class RegisterRowTombstoneOut(BaseModel):
    """What left the list since the position asked for: withdrawn, or outside its filters now."""

    id: UUID = Field(description="Id of the row")
    position: int = Field(description="Log position of its last change")


class RegisterRowListOut(FollowedPageOut[RegisterRowOut, RegisterRowTombstoneOut]):
    """A page of rows, newest first; or, with `changed_after`, by log position."""

    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


class RegisterRowChangeOut(HistoryChangeOut):
    """One change of a row."""


class RegisterRowHistoryOut(PageOut[RegisterRowChangeOut]):
    """The changes of a row, oldest first."""


class WrittenRowOut(BaseModel):
    """What became of one row."""

    index: int = Field(description="Which one, from 0; of a sheet the number of its row")
    outcome: RegisterOutcome = Field(
        description="`created`, `updated`, `unchanged` (no version, no event), or `rejected`"
    )
    id: UUID | None = Field(description="Of the row; null: rejected. A preview's is not kept")
    version: int | None = Field(description="Its version now; null: rejected")
    errors: list[FaultOut] = Field(description="Every fault of the row; empty unless rejected")


class RegisterReportOut(BaseModel):
    """What became of the rows that were handed in at once, counted and one by one."""

    created: int = Field(description="New rows")
    updated: int = Field(description="Rows with a key that stood and another content now")
    unchanged: int = Field(description="Rows that stood like this already")
    rejected: int = Field(description="Rows with faults; the others are written all the same")
    items: list[WrittenRowOut] = Field(description="One by one, in the order they came in")


def draft_of_row(item: RegisterRowIn | DeferredFaults, index: int = 0) -> RowDraft:
    """Return the row to write; the faults of its shape stay with it."""
    if isinstance(item, DeferredFaults):
        unit, said = item.members.get("organization_code"), item.members.get("values")
        return RowDraft(
            index,
            unit if isinstance(unit, str) else "",
            said if isinstance(said, dict) else {},
            tuple(faults_of(item.errors)),
        )
    return RowDraft(index, item.organization_code, item.values)


def row_fields(row: Row, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a row as `RegisterRowOut` has it, ready to be serialised."""
    same = (
        "id version register_code organization_code state valid_from valid_to ended_on reason"
        " renew_by recheck_by"
        " created_at updated_at"
    )
    register = plan.registers.get(row["register_code"])
    pieces = pieces_seen(actor, pieces_of(row["files"]))
    return {
        **{name: row[name] for name in same.split()},
        "plan": row["plan_code"],
        "organization_name": plan.organization_name(row["organization_code"]),
        "values": row["cells"],
        "counted_values": row["counted"],
        "evidence_count": len(pieces),
        "evidence_missing": missing_files(register, row["cells"], pieces),
        "allowed_actions": allowed_actions(actor, row, register),
    }


def image_seen(image: Mapping[str, Any] | None, actor: Actor) -> dict[str, Any] | None:
    """Return a row's image in history, with only the files that the caller sees."""
    if image is None or "files" not in image:
        return None if image is None else dict(image)
    return {**image, "files": pieces_seen(actor, pieces_of(image["files"]))}


def row_body(row: Row, plan: PlanState, actor: Actor) -> bytes:
    """Return a row as JSON."""
    return to_json(row_fields(row, plan, actor))


def row_etag(row: Row) -> str:
    """Return the strong ETag of a row: its id and version."""
    return f'"{row["id"]}.{row["version"]}"'


def is_listed(row: Row, filters: Mapping[str, str], actor: Actor) -> bool:
    """Return whether a changed row still matches a list's filters."""
    state, column = filters.get("state"), filters.get("column")
    if row["state"] == "withdrawn" and state != "withdrawn":
        return False
    if actor.reach is Reach.APPROVED and row["state"] == "draft":
        return False
    if state is not None and row["state"] != state:
        return False
    return column is None or _as_text(row["cells"].get(column)) == filters.get("value")


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return None if cell is None else str(cell)


def report_of_rows(written: Sequence[WrittenRow], language: Language) -> dict[str, Any]:
    """Return the outcome of each row, as `RegisterReportOut` has it."""
    counted = Counter(one.outcome for one in written)
    return {
        **{name: counted[name] for name in get_args(RegisterOutcome)},
        "items": [
            {
                "index": one.index,
                "outcome": one.outcome,
                "id": None if one.row is None else one.row["id"],
                "version": None if one.row is None else one.row["version"],
                "errors": [fault_out(fault, language) for fault in one.faults],
            }
            for one in written
        ],
    }
