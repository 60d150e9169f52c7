"""Pydantic schemas of long-running operations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.kit.operations import OPEN, Operation, OperationState

_STATES: Sequence[str] = get_args(OperationState)


class OperationOut(BaseModel):
    """Long work, and how far it has come."""

    id: UUID = Field(description="Its id")
    kind: str = Field(description="What is done, such as `webhook-replay`")
    state: Annotated[str, one_of(_STATES)] = Field(
        description="`succeeded`, `failed` and `cancelled` are its ends"
    )
    request: dict[str, Any] = Field(description="What was asked for")
    progress: dict[str, Any] = Field(description="How far it has come, in the kind's own numbers")
    result: dict[str, Any] | None = Field(description="What came of it; null until its end")
    errors: list[dict[str, Any]] = Field(description="What went wrong; mostly empty")
    created_at: datetime = Field(description="When it was asked for")
    updated_at: datetime = Field(description="When it last went on")
    allowed_actions: list[Annotated[str, one_of(("cancel",))]] = Field(
        description="What can be done with it now"
    )


def operation_out(operation: Operation) -> OperationOut:
    """Return an operation."""
    return OperationOut(
        id=operation.id,
        kind=operation.kind,
        state=operation.state,
        request=_in_order(operation.request),
        progress=_in_order(operation.progress),
        result=None if operation.result is None else _in_order(operation.result),
        errors=operation.errors,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
        allowed_actions=["cancel"] if operation.state in OPEN else [],
    )


def _in_order(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members in a fixed order, whether just written or read back from JSON."""
    return dict(sorted(members.items()))
