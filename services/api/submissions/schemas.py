"""What submissions look like on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import ErrorDetails, to_json

from services.core.identity.actor import Actor
from services.core.kit.decimals import ExactDecimal
from services.core.plan.loading import leads_of
from services.core.plan.queries import PlanState
from services.core.submissions.creation import Row, place_of
from services.core.submissions.models import SubmissionHistory
from services.core.submissions.rules import DataStatus, State, allowed_actions, text_of

_Code = Annotated[str, StringConstraints(min_length=1, max_length=60)]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubmissionIn(_In):
    """A value for (indicator, organization, period), in exactly one of four forms."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "indicator_code": "U08",
                    "organization_code": "UN15",
                    "period": "2025",
                    "numerator": "8.52",
                    "denominator": "21.10",
                    "data_status": "final",
                    "source": "城管局2025年度报表",
                }
            ]
        },
    )

    indicator_code: _Code
    organization_code: _Code
    period: _Code = Field(description="`2025`, `2025-H1`, `2025-Q3`, `2025-09`")
    value: ExactDecimal | None = None
    numerator: ExactDecimal | None = Field(
        default=None, description="With `denominator`; the value is then computed exactly"
    )
    denominator: ExactDecimal | None = None
    level: _Code | None = Field(default=None, description="Code of a level of a qualitative one")
    not_applicable_reason: _Words | None = None
    data_status: DataStatus = "final"
    note: _Words | None = None
    source: _Words | None = Field(default=None, description="Where the figure comes from")
    draft: bool = Field(default=False, description="Keep it a draft; it may still lack its value")
    on_behalf_of: bool | _Code | None = Field(
        default=None, description="The office only: `true`, or the code of the unit"
    )


class SubmissionPatch(_In):
    """What may change while it is a draft or returned; null clears."""

    value: ExactDecimal | None = None
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    level: _Code | None = None
    not_applicable_reason: _Words | None = None
    data_status: DataStatus = "final"
    note: _Words | None = None
    source: _Words | None = None


class ReasonIn(_In):
    """Why; the unit reads it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "分母口径应为产生量"}]}
    )

    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class RemarkIn(_In):
    """A remark, if there is one."""

    reason: _Words | None = None


class Faulty:
    """A body whose shape has faults; the members that are right can still be checked."""

    def __init__(self, errors: list[ErrorDetails], members: Mapping[str, Any]) -> None:
        self.errors = errors
        self.members = members


def _keep_faults(raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return the body, or its faults, so that those of reference are told with those of shape."""
    if not isinstance(raw, dict):
        return handler(raw)
    try:
        return handler(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        wrong = {str(one["loc"][0]) for one in errors if one["loc"]}
        return Faulty(errors, {name: raw[name] for name in raw if name not in wrong})


CheckedSubmission = Annotated[SubmissionIn, WrapValidator(_keep_faults)]
"""A `SubmissionIn`, or a `Faulty` where its shape is wrong."""


class SubmissionOut(BaseModel):
    """A submission and what this caller may do with it."""

    id: UUID
    plan: str
    indicator_code: str
    organization_code: str
    period: str
    state: State
    revision: int
    approved_revision: int | None = Field(description="The revision that counts; null: none yet")
    value: str | None
    numerator: str | None
    denominator: str | None
    level: str | None
    not_applicable_reason: str | None
    data_status: DataStatus
    note: str | None
    source: str | None
    on_behalf_of: str | None = Field(description="The unit, where somebody else reported for it")
    falsified: bool
    counts: bool = Field(description="Whether the city's value can come from this unit")
    reason: str | None
    allowed_actions: list[str]
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None


class Tombstone(BaseModel):
    """What was withdrawn since the position asked for."""

    id: UUID
    position: int


class SubmissionListOut(BaseModel):
    """A page of submissions, newest first; or, with `changed_after`, by log position."""

    items: list[SubmissionOut]
    next_page_token: str | None
    tombstones: list[Tombstone] = Field(description="With `changed_after` only")
    position: int | None = Field(description="With `changed_after`: go on from here")
    has_more: bool


class ChangeOut(BaseModel):
    """One change of a submission: before and after, who, when, by which channel, why."""

    version: int
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    actor: dict[str, Any]
    reason: str | None
    occurred_at: datetime


class HistoryOut(BaseModel):
    """The changes of a submission, oldest first."""

    items: list[ChangeOut]
    next_page_token: str | None


def submission_fields(row: Row, plan: PlanState, actor: Actor) -> dict[str, Any]:
    """Return a submission as `SubmissionOut` has it, ready to be written as JSON."""
    indicator = plan.indicators.get(row["indicator_code"])
    unit = row["organization_code"]
    direct = indicator is not None and indicator.aggregation.units == "direct"
    return {
        "id": row["id"],
        "plan": row["plan_code"],
        "indicator_code": row["indicator_code"],
        "organization_code": unit,
        "period": row["period"],
        "state": row["state"],
        "revision": row["revision"],
        "approved_revision": row["approved_revision"],
        "value": text_of(row["value"]),
        "numerator": text_of(row["numerator"]),
        "denominator": text_of(row["denominator"]),
        "level": row["level"],
        "not_applicable_reason": row["not_applicable_reason"],
        "data_status": row["data_status"],
        "note": row["note"],
        "source": row["source"],
        "on_behalf_of": unit if row["on_behalf"] else None,
        "falsified": row["falsified"],
        "counts": not direct or (indicator is not None and unit in leads_of(indicator)[:1]),
        "reason": row["reason"],
        "allowed_actions": allowed_actions(actor, place_of(row, indicator)),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "submitted_at": row["submitted_at"],
        "decided_at": row["decided_at"],
    }


def submission_body(row: Row, plan: PlanState, actor: Actor) -> bytes:
    """Return a submission as JSON."""
    return to_json(submission_fields(row, plan, actor))


def submission_etag(row: Row) -> str:
    """Return the strong ETag of a submission: its id and version."""
    return f'"{row["id"]}.{row["version"]}"'


def history_out(
    changes: list[SubmissionHistory], before: Mapping[str, Any] | None
) -> list[ChangeOut]:
    """Return changes, each with what was before it."""
    listed = []
    for change in changes:
        listed.append(
            ChangeOut(
                version=change.version,
                action=change.action,
                before=None if before is None else dict(before),
                after=change.after,
                actor=change.actor,
                reason=change.reason,
                occurred_at=change.occurred_at,
            )
        )
        before = change.after
    return listed
