"""Pydantic schemas of a plan's rules on evidence."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.kit.file_kinds import FILE_KINDS
from services.core.plan.evidence_rules import RequiredEvidence


class RequiredFilesOut(BaseModel):
    """Files of evidence that the plan asks for."""

    min_files: int = Field(description="How many there must be at least")
    types: list[Annotated[str, one_of(FILE_KINDS)]] | None = Field(
        description="The kinds that count, by their content; null: each that is taken"
    )


def required_files(rule: RequiredEvidence | None) -> RequiredFilesOut | None:
    """Return the plan's required evidence; None: it requires none."""
    if rule is None:
        return None
    types = None if rule.types is None else list(rule.types)
    return RequiredFilesOut(min_files=rule.min_files, types=types)
