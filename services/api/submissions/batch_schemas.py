"""Pydantic schemas of a batch of submissions."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator

from services.api.contract.refusals import FaultOut
from services.api.deferred_faults import DeferredFaults, keep_faults
from services.api.problems import fault_out
from services.api.submissions.preview_schemas import PreviewOut
from services.api.submissions.schemas import (
    SubmissionIn,
    WarningOut,
    doubt_out,
    submission_etag,
    warnings_of,
)
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, Said
from services.core.kit.text import Language, Text
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.deciding import Decided
from services.core.submissions.batch.rows import (
    MOST_ROWS,
    OPERATION_OF,
    Batch,
    BatchRow,
    BatchScope,
    RowOperation,
    RowOutcome,
    Strategy,
)
from services.core.submissions.changes import FORMS
from services.core.submissions.judging import why_not_counted
from services.core.submissions.rules import REMARKS


class BatchItemIn(SubmissionIn):
    """A row of a batch: a submission, as its POST takes it, and what is asked for.

    Where its place has a submission, what the row leaves out stays as it is; the four forms of
    the value are one thing, of which a row says all or nothing.
    """

    op: RowOperation | None = Field(
        default=None,
        description="With the strategy `upsert` only; default: `upsert`. With `delete` the row"
        " names its place and nothing else",
    )


class BatchScopeIn(Said):
    """What a `replace` states in full."""

    period: CodeIn = Field(description="All of this period")
    organization_code: CodeIn | None = Field(default=None, description="Of this unit only")
    indicator_code: CodeIn | None = Field(default=None, description="Of this indicator only")


CheckedItem = Annotated[BatchItemIn, WrapValidator(keep_faults)]
"""A `BatchItemIn`, or its `DeferredFaults` if it fails validation."""


class BatchIn(Said):
    """Up to 10,000 submissions at once.

    `upsert` makes what is not there and changes what is; `create_only` and `update_only` reject
    the other; `delete` withdraws; `replace` is an `upsert` that also withdraws whatever its
    `scope` holds beside the rows, unless one of them names no place.
    """

    items: list[CheckedItem] = Field(
        min_length=1, max_length=MOST_ROWS, description="The rows, in any order"
    )
    strategy: Strategy = Field(default="upsert", description="What may become of the rows")
    atomic: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="All or nothing: with one row rejected nothing is written, and it is 422",
    )
    draft: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Keep as drafts the rows that do not say `draft` themselves"
    )
    scope: BatchScopeIn | None = Field(default=None, description="With `replace` only")


class BatchRowOut(BaseModel):
    """What became of one row."""

    index: int | None = Field(
        description="Which row, from 0; null: none, a `replace` came upon it in its scope"
    )
    outcome: RowOutcome = Field(
        description="`unchanged` wrote nothing, no version and no event; `skipped`: nothing is"
        " wrong with it, and the batch was refused for another row"
    )
    id: UUID | None = Field(
        description="Of the submission of its place; null: there is none. A preview's is not kept"
    )
    state: str | None = Field(description="Where that stands now; null: there is none")
    etag: str | None = Field(description="Its ETag now; null: there is none")
    errors: list[FaultOut] = Field(description="Every fault of the row; empty unless rejected")
    warnings: list[WarningOut] = Field(
        description="Why its value cannot count, or is hard to believe"
    )


class BatchOut(BaseModel):
    """What became of a batch, counted and row by row."""

    created: int = Field(description="Rows that made a submission")
    updated: int = Field(description="Rows that changed one")
    unchanged: int = Field(description="Rows that say what is there already")
    deleted: int = Field(description="Submissions that were withdrawn, by a row or by `replace`")
    rejected: int = Field(description="Rows with faults, and what a `replace` could not withdraw")
    skipped: int = Field(description="Rows without faults of a batch that was refused as a whole")
    items: list[BatchRowOut] = Field(description="Row by row, in the order of the rows")
    preview: PreviewOut | None = Field(
        default=None, description="Of a preview only, which is otherwise what the live call says"
    )


def batch_of(body: BatchIn) -> Batch:
    """Return the batch in a body; the faults of a row's shape stay with the row."""
    scope = None
    if body.scope is not None:
        scope = BatchScope(
            body.scope.period, body.scope.organization_code, body.scope.indicator_code
        )
    rows = [_row(index, item, body) for index, item in enumerate(body.items)]
    return Batch(rows, body.strategy, body.atomic, scope)


def _row(index: int, item: BatchItemIn | DeferredFaults, body: BatchIn) -> BatchRow:
    default = OPERATION_OF[body.strategy]
    if isinstance(item, DeferredFaults):
        told = {name: one for name, one in item.members.items() if isinstance(one, str)}
        slot = Slot(*(told.get(name, "") for name in Slot._fields))
        shape = tuple(faults_of(item.errors))
        return BatchRow(index, default, slot, {}, draft=True, faults=shape)
    given = item.model_fields_set
    return BatchRow(
        index,
        item.op or default,
        Slot(item.indicator_code, item.organization_code, item.period),
        {name: getattr(item, name) for name in _COLUMNS if name in given},
        draft=item.draft if "draft" in given else body.draft,
        on_behalf_of=item.on_behalf_of,
        faults=(_NO_OP,) if item.op is not None and body.strategy != "upsert" else (),
    )


_COLUMNS = (*FORMS, *REMARKS)
_NO_OP = Fault(
    "/op",
    "op-not-taken",
    Text("只有 strategy 为 upsert 时各行可以写 op", "A row says op with the strategy upsert only"),
)


def report_of(
    decided: Sequence[Decided], plan: PlanState, actor: Actor, language: Language
) -> dict[str, Any]:
    """Return the outcome of a batch, as `BatchOut` has it."""
    counted = Counter(one.outcome for one in decided)
    return {
        **{name: counted[name] for name in get_args(RowOutcome)},
        "items": [_reported(one, plan, actor, language) for one in decided],
    }


def _reported(
    decided: Decided, plan: PlanState, actor: Actor, language: Language
) -> dict[str, Any]:
    row = decided.submission
    stands = row is not None and decided.outcome != "rejected"
    return {
        "index": decided.index,
        "outcome": decided.outcome,
        "id": None if row is None else row["id"],
        "state": None if row is None else row["state"],
        "etag": None if row is None else submission_etag(row),
        "errors": [fault_out(fault, language) for fault in decided.faults],
        "warnings": _warnings(row, plan, actor) if row is not None and stands else [],
    }


def _warnings(row: SubmissionRow, plan: PlanState, actor: Actor) -> list[dict[str, Any]]:
    uncounted = why_not_counted(row, plan)
    told = [] if uncounted is None else [{**doubt_out(uncounted), "check": None}]
    return told + warnings_of(row, plan, actor)
