"""Pydantic schemas of a batch of assessments and its report."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.assessments.schemas import CheckedAssessment
from services.api.contract.refusals import FaultOut
from services.api.problems import fault_out
from services.core.assessments.writing import MOST_ASSESSMENTS, AssessmentOutcome, WrittenAssessment
from services.core.kit.decimals import plain
from services.core.kit.said import Said
from services.core.kit.text import Language


class AssessmentBatchIn(Said):
    """Up to 1,000 assessments by one sheet at once."""

    items: list[CheckedAssessment] = Field(
        min_length=1, max_length=MOST_ASSESSMENTS, description="The assessments, in any order"
    )


class WrittenAssessmentOut(BaseModel):
    """What became of one assessment."""

    index: int = Field(description="Which one, from 0")
    outcome: AssessmentOutcome = Field(
        description="`created`, `updated`, `unchanged` (no version, no event), or `rejected`"
    )
    id: UUID | None = Field(description="Of the assessment; null: rejected")
    version: int | None = Field(description="Its version now; null: rejected")
    complete: bool | None = Field(
        description="Whether every item but the bonuses was assessed; null: rejected"
    )
    total: str | None = Field(description="Its exact total; null: not complete, or rejected")
    colour: str | None = Field(description="Code of the colour of the total; null: none")
    errors: list[FaultOut] = Field(description="Every fault of it; empty unless rejected")


class AssessmentReportOut(BaseModel):
    """What became of assessments that were handed in at once, counted and one by one."""

    created: int = Field(description="Begun")
    updated: int = Field(description="Drafts with other findings now")
    unchanged: int = Field(description="Drafts that said this already")
    rejected: int = Field(description="Those with faults; the others are written all the same")
    items: list[WrittenAssessmentOut] = Field(description="One by one, in the order they came in")


def report_of(written: Sequence[WrittenAssessment], language: Language) -> dict[str, Any]:
    """Return the outcome of each assessment, as `AssessmentReportOut` has it."""
    counted = Counter(one.outcome for one in written)
    return {
        **{name: counted[name] for name in get_args(AssessmentOutcome)},
        "items": [_written(one, language) for one in written],
    }


def _written(one: WrittenAssessment, language: Language) -> dict[str, Any]:
    row = one.row or {}
    reached = row.get("total")
    return {
        "index": one.index,
        "outcome": one.outcome,
        **{name: row.get(name) for name in ("id", "version", "complete", "colour")},
        "total": None if reached is None else plain(reached),
        "errors": [fault_out(fault, language) for fault in one.faults],
    }
