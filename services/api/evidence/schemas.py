"""Pydantic schemas of evidence."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic_core import to_json

from services.api.actors import ActorOut, actor_fields
from services.api.contract.choices import one_of
from services.api.plan.evidence_schemas import RequiredFilesOut
from services.api.registers.register_schemas import RowEvidenceOut, row_evidence_fields
from services.core.evidence.models import Evidence
from services.core.kit.file_kinds import FILE_KINDS, FileKind, answered_as
from services.core.plan.evidence_rules import EvidenceLimits, Piece, RequiredEvidence, counting
from services.core.plan.register_entries import RowEvidence

EvidenceSubjectKind = Literal["submission", "milestone", "target", "register_row"]
_KINDS: Sequence[str] = FILE_KINDS


class EvidenceSubjectOut(BaseModel):
    """What a file is evidence for."""

    kind: Annotated[str, one_of(get_args(EvidenceSubjectKind))] = Field(
        description="A submission, a milestone, a register's row, or a target that the superior"
        " assigned"
    )
    id: str = Field(
        description="Its id; of an assigned target plan, indicator, year and sequence: "
        "`410183-2025/R01/2025/1`"
    )


class EvidenceFileOut(BaseModel):
    """A file that something rests upon: what it is, not its content."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    subject: EvidenceSubjectOut = Field(description="What it is evidence for")
    organization_code: str | None = Field(description="The unit whose that is; null: the plan's")
    indicator_code: str | None = Field(description="Of a submission or a target: its indicator")
    measure_code: str | None = Field(description="Of a milestone: its measure")
    register_code: str | None = Field(description="Of a row: its register")
    period: str | None = Field(description="Of a submission its period, of a target its year")
    file_name: str = Field(description="What it is called")
    type: Annotated[str, one_of(_KINDS)] = Field(description="What it is, by its content")
    media_type: str = Field(description="The `Content-Type` that its content is answered with")
    size: int = Field(description="Its length in bytes")
    sha256: str = Field(description="Its SHA-256 digest, in hexadecimal; also its `ETag`")
    sm3: str = Field(description="Its SM3 digest (GB/T 32905), in hexadecimal")
    added_at: datetime = Field(description="When it was added")
    added_by: ActorOut = Field(description="Who added it")
    removed_at: datetime | None = Field(
        description="When it was removed; its content is gone then, this record stays"
    )
    removed_by: ActorOut | None = Field(description="Who removed it; null: nobody")


class FileLimitsOut(BaseModel):
    """Which files the plan takes."""

    max_bytes: int = Field(description="The most bytes of one")
    max_files: int = Field(description="The most files of one submission, milestone, target or row")
    types: list[Annotated[str, one_of(_KINDS)]] = Field(description="Their kinds, by content")


class RequiredThereOut(RequiredFilesOut):
    """What the plan asks for before it is handed in, and how much of it is there."""

    there: int = Field(description="How many of those are there")


class EvidenceFileListOut(BaseModel):
    """The files that something rests upon, in the order in which they were added."""

    items: list[EvidenceFileOut] = Field(description="All of them; the plan limits how many")
    next_page_token: str | None = Field(description="Always null: the list is whole")
    limits: FileLimitsOut = Field(description="Which files the plan takes")
    required: RequiredThereOut | None = Field(
        description="What the plan asks for; null: evidence may be added and need not be"
    )


class RowEvidenceThereOut(RowEvidenceOut):
    """A rule on the evidence of a row that says what it says now, and how much of it is there."""

    there: int = Field(description="How many of those are there")


class RowEvidenceListOut(EvidenceFileListOut):
    """The files of a row, in the order in which they were added."""

    rules: list[RowEvidenceThereOut] = Field(
        description="What the register asks of a row that says this, before it is confirmed or ends"
    )


class EvidenceLinkOut(BaseModel):
    """A link to the content of a file, good without a key for a while."""

    path: str = Field(
        description="Path below this service's address; whoever has it reads the file"
    )
    expires_at: datetime = Field(description="Until when it is good")


def evidence_fields(row: Evidence) -> dict[str, Any]:
    """Return a file as `EvidenceFileOut` has it."""
    kind: FileKind = row.type  # type: ignore[assignment] # only kinds of ours are ever written
    return {
        "id": row.id,
        "plan": row.plan_code,
        "subject": {"kind": row.subject_kind, "id": row.subject_id},
        "organization_code": row.organization_code,
        "indicator_code": row.indicator_code,
        "measure_code": row.measure_code,
        "register_code": row.register_code,
        "period": row.period,
        "file_name": row.file_name,
        "type": row.type,
        "media_type": answered_as(kind),
        "size": row.size,
        "sha256": row.sha256,
        "sm3": row.sm3,
        "added_at": row.added_at,
        "added_by": actor_fields(row.added_by),
        "removed_at": row.removed_at,
        "removed_by": None if row.removed_by is None else actor_fields(row.removed_by),
    }


def evidence_body(row: Evidence) -> bytes:
    """Return a file as JSON."""
    return to_json(evidence_fields(row))


def evidence_list(
    rows: Sequence[Evidence],
    limits: EvidenceLimits,
    rule: RequiredEvidence | None,
    pieces: Sequence[Piece],
) -> EvidenceFileListOut:
    """Return a list of files; `pieces` are the evidence present."""
    required = None
    if rule is not None:
        required = {
            "min_files": rule.min_files,
            "types": rule.types,
            "there": counting(rule, pieces),
        }
    return EvidenceFileListOut.model_validate(
        {
            "items": [evidence_fields(row) for row in rows],
            "next_page_token": None,
            "limits": limits.model_dump(),
            "required": required,
        }
    )


def row_evidence_list(
    rows: Sequence[Evidence],
    limits: EvidenceLimits,
    rules: Sequence[RowEvidence],
    pieces: Sequence[Piece],
) -> RowEvidenceListOut:
    """Return a list of a row's files; `rules` are those that apply to it now."""
    listed = evidence_list(rows, limits, None, pieces)
    there = [{**row_evidence_fields(one), "there": counting(one, pieces)} for one in rules]
    return RowEvidenceListOut.model_validate({**listed.model_dump(), "rules": there})
