"""Pydantic schemas of registers, as the plan defines them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.api.exports.digits import Digits
from services.api.registers.check_schemas import RowCheckOut, check_fields
from services.core.kit.decimals import plain
from services.core.kit.file_kinds import FILE_KINDS
from services.core.plan.members import Frequency
from services.core.plan.register_entries import (
    ColumnCheck,
    ColumnType,
    EvidencedState,
    MeasureKind,
    MeasureOf,
    MeasureTime,
    Register,
    RegisterColumn,
    RowEnd,
    RowEvidence,
)


class ColumnChoiceOut(BaseModel):
    """One of the codes that a column takes."""

    code: str = Field(description="What a row says where it is chosen")
    name: str = Field(description="Its name")


class RegisterColumnOut(BaseModel):
    """A column of a register."""

    code: str = Field(description="Its code, by which rows name it")
    name: str = Field(description="Its name")
    type: ColumnType = Field(description="What stands in it")
    unit: str | None = Field(description="Its unit of measure; null: none")
    required: bool = Field(description="Whether every row says something there")
    choices: list[ColumnChoiceOut] = Field(description="The codes that it takes, of a `choice`")
    minimum: Digits | None = Field(description="The least number that is taken; null: any")
    maximum: Digits | None = Field(description="The greatest number that is taken; null: any")
    longest: int = Field(description="The most characters of a text")
    check: ColumnCheck | None = Field(description="What else a text must be; null: nothing")
    in_month: str | None = Field(
        description="The column with the month that a day lies in; null: any day"
    )
    note: str | None = Field(description="What a reader should know of it")


class RegisterMeasureOut(BaseModel):
    """A figure that is reckoned over the rows of a register."""

    code: str = Field(description="Its code")
    name: str = Field(description="Its name")
    kind: MeasureKind = Field(
        description="Rows counted, a column added up, a share of the rows, or of another register's"
    )
    at: MeasureTime = Field(description="Which rows are measured for a period")
    per: MeasureOf = Field(description="One figure, or one of each unit that keeps rows")
    indicator_code: str | None = Field(
        description="The indicator whose value is proposed; null: it is only shown"
    )
    note: str | None = Field(description="What a reader should know of it")


class RowEvidenceOut(BaseModel):
    """Files without which a row does not become something."""

    min_files: int = Field(description="How many there must be at least")
    types: list[Annotated[str, one_of(FILE_KINDS)]] | None = Field(
        description="The kinds that count, by their content; null: each that is taken"
    )
    name: str = Field(description="What is to be shown")
    state: EvidencedState = Field(description="What a row does not become without them")


class RowRenewalOut(BaseModel):
    """Rows are renewed, or ended, by the last day that they hold."""

    same: str | None = Field(
        description="The column by which a later row takes a row's place; null: only itself"
    )


class RegisterOut(BaseModel):
    """A register as the plan in force says it."""

    code: str = Field(description="Its code")
    name: str = Field(description="Its name")
    note: str | None = Field(description="What a reader should know of it")
    source: str | None = Field(description="Where the list comes from")
    key: list[str] = Field(description="The columns by which a row is told from all others")
    keepers: list[str] = Field(description="The units that keep it; none: each that submits")
    leads: list[str] = Field(description="The units that confirm its rows, beside the office")
    review: bool = Field(description="Whether a row counts only once somebody else confirmed it")
    valid_from: str | None = Field(description="The column with the first day that a row holds")
    valid_to: str | None = Field(description="The column with the last day that a row holds")
    cycle: Frequency | None = Field(description="How often its rows are looked through")
    renewal: RowRenewalOut | None = Field(
        description="How rows are renewed before they hold no more; null: they just end"
    )
    recheck: str | None = Field(
        description="The column with the day on which a row was last looked at again"
    )
    title: str | None = Field(description="The column with the name of what a row is of")
    ends: list[RowEnd] = Field(description="How a confirmed row may cease to count")
    has_quota: bool = Field(description="Whether it says how many rows are wanted")
    evidence: list[RowEvidenceOut] = Field(description="Files that its rows have to have")
    columns: list[RegisterColumnOut] = Field(description="What its rows say")
    aggregates: bool = Field(description="Whether its rows are totals alone, and name no person")
    checks: list[RowCheckOut] = Field(description="What the numbers of a row must meet")
    measures: list[RegisterMeasureOut] = Field(description="Figures over its rows")


class RegisterListOut(BaseModel):
    """The registers of a plan, in the plan's order."""

    items: list[RegisterOut] = Field(description="All of them")


def register_fields(register: Register) -> dict[str, Any]:
    """Return a register as `RegisterOut` has it."""
    same = "code name note source review valid_from valid_to cycle aggregates recheck title"
    return {
        **{name: getattr(register, name) for name in same.split()},
        "key": list(register.key),
        "keepers": list(register.keepers),
        "leads": list(register.leads),
        "ends": list(register.ends),
        "has_quota": register.quota is not None,
        "renewal": None if register.renewal is None else {"same": register.renewal.same},
        "evidence": [row_evidence_fields(one) for one in register.evidence],
        "columns": [_column_fields(one) for one in register.columns],
        "checks": [check_fields(one) for one in register.checks],
        "measures": [
            {
                **{name: getattr(one, name) for name in ("code", "name", "kind", "at", "per")},
                "indicator_code": one.indicator,
                "note": one.note,
            }
            for one in register.measures
        ],
    }


def row_evidence_fields(rule: RowEvidence) -> dict[str, Any]:
    """Return a rule on the evidence of rows as `RowEvidenceOut` has it."""
    return {
        "name": rule.name,
        "state": rule.state,
        "min_files": rule.min_files,
        "types": None if rule.types is None else list(rule.types),
    }


def _column_fields(column: RegisterColumn) -> dict[str, Any]:
    same = "code name type unit required longest check in_month note"
    return {
        **{name: getattr(column, name) for name in same.split()},
        "choices": [{"code": one.code, "name": one.name} for one in column.choices],
        "minimum": None if column.minimum is None else plain(column.minimum),
        "maximum": None if column.maximum is None else plain(column.maximum),
    }
