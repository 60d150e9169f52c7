"""Pydantic schemas of observations."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field, WrapValidator
from pydantic_core import to_json

from services.api.actors import ActorOut, actor_fields
from services.api.contract.refusals import FaultOut
from services.api.deferred_faults import DeferredFaults, keep_faults
from services.api.exports.digits import Digits
from services.api.instants import Instant
from services.api.paging import PageOut, ScopedPageOut
from services.api.problems import fault_out
from services.core.kit.decimals import ExactDecimal, plain_or_none
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, LongWords, Said, Title
from services.core.kit.text import Language
from services.core.observations.rules import (
    MOST_OBSERVATIONS,
    ObservationDraft,
    ObservationOutcome,
    ObservationRow,
    is_withdrawn,
)
from services.core.observations.service import Recorded
from services.core.plan.state import PlanState
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import Form


class ObservedIn(Said):
    """What a source says of one figure, in exactly one of the four forms of a value."""

    indicator_code: CodeIn = Field(description="Code of an indicator of the plan")
    organization_code: CodeIn = Field(description="The unit that the figure is of")
    period: CodeIn = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    reference: Title = Field(
        description="The source's own name of this figure and of its version, such as"
        " `YB2026-3-14` or the id of a message. What is handed in under it again is the same"
        " figure; a correction takes another one"
    )
    value: ExactDecimal | None = Field(default=None, description="The value itself; 0 is a value")
    numerator: ExactDecimal | None = Field(
        default=None, description="With `denominator`; the value is then computed exactly"
    )
    denominator: ExactDecimal | None = Field(
        default=None, description="0 only where the numerator is 0 too: then it is not applicable"
    )
    level: CodeIn | None = Field(default=None, description="Code of a level of a qualitative one")
    not_applicable_reason: LongWords | None = Field(
        default=None, description="Why, by the source, there is no value"
    )
    observed_at: Instant | None = Field(
        default=None, description="When the source says that it measured or closed it; kept as said"
    )
    note: LongWords | None = Field(default=None, description="What a reader should know of it")


class ObservationIn(ObservedIn):
    """A figure of another source than the official one."""

    source_code: CodeIn = Field(description="Code of a source that the plan names")


CheckedObservation = Annotated[ObservationIn, WrapValidator(keep_faults)]
"""An `ObservationIn`, or its `DeferredFaults` if it fails validation."""

CheckedFigure = Annotated[ObservedIn, WrapValidator(keep_faults)]
"""An `ObservedIn`, or its `DeferredFaults` if it fails validation."""


class ObservationBatchIn(Said):
    """Up to 1,000 figures of one source at once."""

    source_code: CodeIn = Field(description="Code of a source that the plan names")
    items: list[CheckedFigure] = Field(
        min_length=1, max_length=MOST_OBSERVATIONS, description="The figures, in any order"
    )


class ObservationOut(BaseModel):
    """What a source says of a figure now, beside the official one."""

    id: UUID = Field(description="Its id, for good")
    version: int = Field(description="Counts what the source said of this figure")
    plan: str = Field(description="Code of the plan")
    source_code: str = Field(description="Code of the source")
    source_name: str = Field(description="Its name; its code where the plan has it no longer")
    indicator_code: str = Field(description="Code of the indicator")
    indicator_name: str = Field(description="Its name; its code where the plan has it no longer")
    organization_code: str = Field(description="The unit that the figure is of")
    organization_name: str = Field(
        description="The unit's name; its code where the plan has it no longer"
    )
    period: str = Field(description="`2025`, `2025-H1`, `2025-Q3` or `2025-09`")
    reference: str = Field(description="The source's own name of this figure and of its version")
    value: Digits | None = Field(description="Exact; computed where it was given in parts")
    numerator: Digits | None = Field(description="As given, exact")
    denominator: Digits | None = Field(description="As given, exact")
    level: str | None = Field(description="Code of the level")
    not_applicable_reason: str | None = Field(description="Why, by the source, there is no value")
    observed_at: datetime | None = Field(
        description="When the source says that it measured or closed it; proves nothing"
    )
    note: str | None = Field(description="What a reader should know of it")
    withdrawn: bool = Field(
        description="The source took it back: what it said is shown as it stood, and says nothing"
    )
    withdrawal_reason: str | None = Field(description="Why it was taken back; null: it was not")
    recorded_by: ActorOut = Field(description="Who handed it in last, or took it back")
    created_at: datetime = Field(description="When the first figure came in")
    updated_at: datetime = Field(description="When this one came in, or was taken back")


class ObservationListOut(ScopedPageOut[ObservationOut]):
    """A page of observations, newest first."""


class ObservationChangeOut(BaseModel):
    """One thing that a source said of a figure."""

    version: int = Field(description="1 for the first")
    action: str = Field(description="`recorded`, `corrected` or `withdrawn`")
    before: dict[str, Any] | None = Field(description="What it said before; null: nothing")
    after: dict[str, Any] = Field(description="What it says since, in the names of the answer")
    actor: dict[str, Any] = Field(description="Who: `kind`, `name`, `role`, …")
    reason: str | None = Field(description="Why it was taken back; null of a figure")
    occurred_at: datetime = Field(description="When")


class ObservationHistoryOut(PageOut[ObservationChangeOut]):
    """What a source said of a figure, oldest first."""


class ObservationRowOut(BaseModel):
    """What became of one figure."""

    index: int = Field(description="Which one, from 0")
    outcome: ObservationOutcome = Field(
        description="`created`, `corrected`, `unchanged` (it was known: no version, no event), or"
        " `rejected`"
    )
    id: UUID | None = Field(
        description="Of the observation of its place; null: there is none. A preview's is not kept"
    )
    version: int | None = Field(description="Its version now; null: there is none")
    errors: list[FaultOut] = Field(description="Every fault of the figure; empty unless rejected")


class ObservationReportOut(BaseModel):
    """What became of the figures that were handed in at once, counted and one by one."""

    created: int = Field(description="First figures of their place")
    corrected: int = Field(description="Figures in place of another of the same source")
    unchanged: int = Field(description="Figures that were known")
    rejected: int = Field(description="Figures with faults; the others are taken in all the same")
    items: list[ObservationRowOut] = Field(description="One by one, in the order they came in")


def draft_of(item: ObservedIn | DeferredFaults, index: int = 0) -> ObservationDraft:
    """Return the observation to write; the faults of its shape stay with it."""
    if isinstance(item, DeferredFaults):
        told = {name: one for name, one in item.members.items() if isinstance(one, str)}
        return ObservationDraft(
            index,
            indicator_code=told.get("indicator_code", ""),
            organization_code=told.get("organization_code", ""),
            period=told.get("period", ""),
            faults=tuple(faults_of(item.errors)),
        )
    return ObservationDraft(
        index,
        indicator_code=item.indicator_code,
        organization_code=item.organization_code,
        period=item.period,
        reference=item.reference,
        form=Form(**{name: getattr(item, name) for name in FORMS}),
        observed_at=item.observed_at,
        note=item.note,
    )


def observation_fields(row: ObservationRow, plan: PlanState) -> dict[str, Any]:
    """Return an observation as `ObservationOut` has it."""
    same = (
        "id version source_code indicator_code organization_code period reference level"
        " not_applicable_reason observed_at note created_at updated_at"
    )
    return {
        **{name: row[name] for name in same.split()},
        "plan": row["plan_code"],
        "source_name": plan.source_name(row["source_code"]),
        "indicator_name": plan.indicator_name(row["indicator_code"]),
        "organization_name": plan.organization_name(row["organization_code"]),
        "value": plain_or_none(row["value"]),
        "numerator": plain_or_none(row["numerator"]),
        "denominator": plain_or_none(row["denominator"]),
        "withdrawn": is_withdrawn(row),
        "withdrawal_reason": row["withdrawal_reason"] if is_withdrawn(row) else None,
        "recorded_by": actor_fields(row["recorded_by"]),
    }


def observation_body(row: ObservationRow, plan: PlanState) -> bytes:
    """Return an observation as JSON."""
    return to_json(ObservationOut.model_validate(observation_fields(row, plan)))


def observation_etag(row: ObservationRow) -> str:
    """Return the strong ETag of an observation: its id and version."""
    return f'"{row["id"]}.{row["version"]}"'


def report_of(recorded: Sequence[Recorded], language: Language) -> dict[str, Any]:
    """Return the outcome of the figures, as `ObservationReportOut` has it."""
    counted = Counter(one.outcome for one in recorded)
    return {
        **{name: counted[name] for name in get_args(ObservationOutcome)},
        "items": [
            {
                "index": one.index,
                "outcome": one.outcome,
                "id": None if one.row is None else one.row["id"],
                "version": None if one.row is None else one.row["version"],
                "errors": [fault_out(fault, language) for fault in one.faults],
            }
            for one in recorded
        ],
    }
