"""Pydantic schemas of imports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.imports.models import SheetImport, SheetImportFault
from services.core.imports.service import import_actions
from services.core.imports.sheet_forms import SheetKind
from services.core.kit.text import Language

_STATES = ("checking", "checked", "refused", "confirming", "confirmed", "discarded")


class ImportOut(BaseModel):
    """A file on its way in, and what was found in it."""

    id: UUID = Field(description="Its id")
    plan: str = Field(description="Code of the plan")
    state: Annotated[str, one_of(_STATES)] = Field(
        description="`checking` and `confirming` wait for the worker; `checked` waits for the"
        " caller; `refused` cannot be read, and `confirmed` and `discarded` are ends"
    )
    form: SheetKind = Field(
        description="`indicators` brings values, as form 01 does, `tasks` the progress of"
        " milestones, as form 02 does, `register` rows of a register, `assessments` what was found"
        " by a score sheet"
    )
    register_code: str | None = Field(description="The register whose rows it brings")
    score_sheet_code: str | None = Field(
        description="The score sheet by which it says what was found"
    )
    format: Literal["xlsx", "csv"] = Field(description="What it is by its content")
    file_name: str | None = Field(description="What the caller called it")
    size: int = Field(description="Its length in bytes")
    sha256: str = Field(description="Its digest")
    sheet: str | None = Field(description="The sheet that is read; null: it has none, or not yet")
    is_form: bool = Field(description="Whether it is a form that was prefilled here, by its stamp")
    period: str | None = Field(description="Of rows that do not say one themselves")
    organization_code: str | None = Field(description="Of rows that do not say one themselves")
    rows: int = Field(description="Rows that hold anything that is filled in")
    blank: int = Field(description="Rows in which nothing is filled in: not written")
    ignored: int = Field(description="Rows of totals, signatures and the like")
    faults: int = Field(description="How many faults there are; with one nothing is written")
    created: int = Field(
        description="Submissions, register rows or assessments that they make, or have made"
    )
    updated: int = Field(
        description="Submissions, milestones, register rows or assessments that they change, or"
        " have changed"
    )
    unchanged: int = Field(
        description="Rows that say what is there already, and rows of a form that nobody touched"
        " and that stand no more"
    )
    columns: dict[str, str] = Field(description="By member, the heading that it is read from")
    ignored_columns: list[str] = Field(description="Headings of columns that are not taken")
    first_row: dict[str, str] = Field(
        description="The first row by heading, as it was understood: to see at a glance whether"
        " columns and encoding are right"
    )
    template: str | None = Field(description="Where a fresh form of the same is had")
    check_operation_id: UUID = Field(description="The operation that judges it")
    write_operation_id: UUID | None = Field(description="The one that writes its rows, if any")
    allowed_actions: list[Annotated[str, one_of(("confirm", "discard"))]] = Field(
        description="What can be done with it now"
    )
    created_at: datetime = Field(description="When it was sent")
    updated_at: datetime = Field(description="When it last went on")


class ImportFaultOut(BaseModel):
    """One thing wrong with a file."""

    row: int = Field(description="Its row or line, from 1; 0: the file as a whole")
    cell: str | None = Field(description="Its cell, such as `K7`; null: no single one")
    column: str | None = Field(description="The heading of its column")
    code: str = Field(description="Stable, English, kebab-case, such as `percent-format`")
    value: str | None = Field(description="What stands there, if it is short and plain")
    detail: str = Field(description="What is wrong and what to write, in the answer's language")


class ImportFaultListOut(BaseModel):
    """A page of faults."""

    items: list[ImportFaultOut] = Field(description="In the order of the rows")
    next_page_token: str | None = Field(description="For the next page; null: this was the last")


_UNKNOWN_YET: Mapping[str, Any] = {
    "sheet": None,
    "is_form": False,
    "period": None,
    "organization_code": None,
    "rows": 0,
    "blank": 0,
    "ignored": 0,
    "faults": 0,
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "columns": {},
    "ignored_columns": [],
    "first_row": {},
    "template": None,
}


def import_out(sheet: SheetImport) -> ImportOut:
    """Return an import; members that are not known yet are 0 or null."""
    found = {name: sheet.report.get(name, one) for name, one in _UNKNOWN_YET.items()}
    return ImportOut(
        id=sheet.id,
        plan=sheet.plan_code,
        state=sheet.state,
        form=sheet.form,
        register_code=sheet.options.get("register"),
        score_sheet_code=sheet.options.get("score_sheet"),
        format=sheet.format,
        file_name=sheet.file_name,
        size=sheet.size,
        sha256=sheet.sha256,
        **{**found, "columns": dict(sorted(found["columns"].items()))},
        check_operation_id=sheet.check_id,
        write_operation_id=sheet.write_id,
        allowed_actions=import_actions(sheet),
        created_at=sheet.created_at,
        updated_at=sheet.updated_at,
    )


def import_fault_out(fault: SheetImportFault, language: Language) -> ImportFaultOut:
    """Return a fault in a language."""
    return ImportFaultOut(
        row=fault.row_number,
        cell=fault.cell,
        column=fault.heading,
        code=fault.code,
        value=fault.value,
        detail=fault.detail["zh" if language == "zh-CN" else "en"],
    )
