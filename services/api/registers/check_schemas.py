"""Pydantic schemas of checks between the numbers of rows, and of their findings."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from services.api.exports.digits import Digits
from services.core.kit.decimals import plain, plain_or_none
from services.core.plan.count_entries import (
    RowCheck,
    RowImportance,
    RowOperator,
    RowReach,
    RowTerm,
)
from services.core.registers.neighbours.rules import FindingOutcome, RowFinding


class RowTermOut(BaseModel):
    """One summand of a side of a check."""

    column: str | None = Field(description="Code of the column; null: it is a constant")
    constant: Digits | None = Field(description="The constant; null: it is a column")
    times: Digits = Field(description="What it is multiplied by")
    at: RowReach = Field(
        description="In this row, in that of the month before, or over twelve months with this one"
    )
    summed_in: str | None = Field(
        description="The register whose rows with the same key it is added up over; null: this one"
    )


class RowCheckOut(BaseModel):
    """What must hold between the numbers of a row, and of its neighbours."""

    code: str = Field(description="Its code")
    name: str = Field(description="Its name")
    left: list[RowTermOut] = Field(description="What is added up on the left")
    operator: RowOperator = Field(description="How the left stands to the right")
    right: list[RowTermOut] = Field(description="What is added up on the right")
    tolerance: Digits = Field(description="By how much two sides differ and still count as equal")
    importance: RowImportance = Field(
        description="Whether a row that breaks it is kept out, or only found fault with"
    )


class RowFindingOut(BaseModel):
    """A check that a row breaks beside other rows, or that could not be asked."""

    check_code: str = Field(description="Code of the check")
    check_name: str = Field(description="Its name")
    importance: RowImportance = Field(
        description="Whether a row that breaks it is kept out, or only found fault with"
    )
    outcome: FindingOutcome = Field(
        description="`broken`, or `unknown` where something that it asks for is missing"
    )
    left: Digits | None = Field(description="What the left comes to; null: unknown, or not told")
    right: Digits | None = Field(description="What the right comes to; null: unknown, or not told")
    missing: list[str] = Field(
        description="What is missing: a column, with the month of its row where that is another"
    )


class RowFindingsOut(BaseModel):
    """What is found of a row beside other rows, in the order of its register's checks."""

    findings: list[RowFindingOut] = Field(description="All of it; none: it holds together")


def finding_fields(findings: Sequence[RowFinding]) -> list[dict[str, Any]]:
    """Return findings as `RowFindingOut` has them."""
    return [
        {
            "check_code": one.check.code,
            "check_name": one.check.name,
            "importance": one.check.importance,
            "outcome": one.outcome,
            "left": plain_or_none(one.left),
            "right": plain_or_none(one.right),
            "missing": list(one.missing),
        }
        for one in findings
    ]


def check_fields(check: RowCheck) -> dict[str, Any]:
    """Return a check as `RowCheckOut` has it."""
    return {
        **{name: getattr(check, name) for name in ("code", "name", "operator", "importance")},
        "left": [_term_fields(one) for one in check.left],
        "right": [_term_fields(one) for one in check.right],
        "tolerance": plain(check.tolerance),
    }


def _term_fields(term: RowTerm) -> dict[str, Any]:
    constant = None if term.constant is None else plain(term.constant)
    same = {name: getattr(term, name) for name in ("column", "at", "summed_in")}
    return {**same, "constant": constant, "times": plain(term.times)}
