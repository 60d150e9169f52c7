"""Rows of a score sheet's form, judged and written as a batch of assessments is.

A row is one item of a subject. Rows of one subject form one assessment, so a block holds all of
them; rows of a form that nobody touched are ignored.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from typing_extensions import override

from services.core.assessments.rules import NewAssessment
from services.core.assessments.writing import MOST_ASSESSMENTS, WrittenAssessment
from services.core.imports.as_made import says_nothing_new
from services.core.imports.cell_values import (
    HIDDEN_ROW,
    ParsedRow,
    is_no_row,
    period_of,
    text_of,
    unit_of,
)
from services.core.imports.checking import (
    CHANGED_SINCE,
    BlockOutcome,
    SheetDesk,
    SheetFault,
    SheetRows,
)
from services.core.imports.finding_cells import FOUND, cells_of_finding, finding_of
from services.core.imports.intake import FirstLook
from services.core.kit.errors import Fault
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, Said, Title
from services.core.kit.text import Text
from services.core.plan.sheet_entries import ScoreSheet, SheetItem
from services.core.plan.written import DivisionCode
from services.core.sheets.cells import SheetRow

AssessedPlace = tuple[str, str]
"""A period, and the key of the subject in a sheet."""


class _Members(Said):
    """The key members of an assessment, as a call to the API has them."""

    period: CodeIn
    organization_code: CodeIn | None = None
    village_code: DivisionCode | None = None
    village_name: Title | None = None
    row_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The finding on one item of a subject, from a row; `faults` are those of its cells."""

    number: int
    period: str
    subject: str
    name: str
    unit: str
    item: str
    finding: Mapping[str, Any]
    faults: tuple[Fault, ...]

    @property
    def place(self) -> AssessedPlace:
        """The assessment that the row belongs to."""
        return self.period, self.subject


@dataclass(slots=True)
class _Group:
    """The rows of an assessment: the number of its first, and each by its item's code."""

    first: int
    rows: dict[str, ItemRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssessmentBlock:
    """Some assessments of a file, each with its rows, and the faults of their cells."""

    news: Sequence[NewAssessment]
    groups: Sequence[_Group]
    faults: Sequence[SheetFault]


class AssessmentRows(SheetRows[ItemRow, AssessmentBlock]):
    """The rows of a score sheet's form."""

    def __init__(
        self, look: FirstLook, sheet: ScoreSheet, desk: SheetDesk, *, at_once: int
    ) -> None:
        super().__init__(look, desk, at_once=at_once)
        self.stale = _STALE
        self.sheet = sheet
        self._at_columns = look.columns.at
        self._known = look.columns.known
        self._period = look.known.period or ""
        self._items = {one.code: one for one in sheet.items}
        names = [one.name for one in sheet.items]
        self._by_name = {one.name: one.code for one in sheet.items if names.count(one.name) == 1}
        self._done: set[AssessedPlace] = set()
        self._present: set[AssessedPlace] = set()

    @override
    def is_full(self, rows: Sequence[ItemRow], following: SheetRow) -> bool:
        last, place = rows[-1], self._place(following)
        if place == last.place:
            return False
        return len(rows) >= self.at_once or len(self._present) >= MOST_ASSESSMENTS

    @override
    def parsed(self, row: SheetRow, index: int) -> ParsedRow[ItemRow]:
        at, faults = self._at_columns, [HIDDEN_ROW] if row.hidden else []
        code = text_of(row, at, "item_code")
        if code not in self._items and is_no_row(row):
            return ParsedRow(row.number, None)
        code = code or self._by_name.get(name := text_of(row, at, "item_name"), name)
        filled = any(at.get(key, 0) in row.cells for key in FOUND)
        if not filled or says_nothing_new(row, at, FOUND, self._known.about):
            return ParsedRow(row.number, None, blank=True)
        period, subject = self._place(row)
        if not code:
            faults.append(Fault("/item_code", "item-missing", _NO_ITEM))
        if not subject:
            faults.append(Fault("/subject_code", "subject-missing", _NO_SUBJECT))
        said = finding_of(row, at, self._items.get(code), faults)
        self._present.add((period, subject))
        return ParsedRow(
            row.number,
            ItemRow(
                number=row.number,
                period=period,
                subject=subject,
                name=text_of(row, at, "subject_name"),
                unit=text_of(row, at, "organization_code"),
                item=code,
                finding=said,
                faults=tuple(faults),
            ),
        )

    def _place(self, row: SheetRow) -> AssessedPlace:
        """Return the assessment that a row belongs to; a unit may be given by name alone."""
        at = self._at_columns
        subject = text_of(row, at, "subject_code")
        if self.sheet.subject == "unit":
            subject = unit_of(subject or text_of(row, at, "subject_name"), self.desk.plan)
        return period_of(row, at) or self._period, subject

    @override
    def about(self, row: ItemRow) -> Hashable | None:
        return (row.place, row.item) if row.subject and row.item else None

    @override
    def judged(self, rows: Sequence[ItemRow], numbers: Sequence[int]) -> AssessmentBlock:
        groups: dict[AssessedPlace, _Group] = {}
        told = [self.told(one.number, fault) for one in rows for fault in one.faults]
        for one in rows:
            group = groups.setdefault(one.place, _Group(one.number))
            # Duplicate items are reported after all rows were read.
            group.rows.setdefault(one.item, one)
        told += [
            self.told(group.first, _SCATTERED)
            for place, group in groups.items()
            if place in self._done
        ]
        self._done |= groups.keys()
        self._present = set()
        news = [self._new(group) for group in groups.values()]
        return AssessmentBlock(news, list(groups.values()), told)

    def _new(self, group: _Group) -> NewAssessment:
        rows = list(group.rows.values())
        first, kind = rows[0], self.sheet.subject
        name = next((one.name for one in rows if one.name), None)
        unit = next((one.unit for one in rows if one.unit), None)
        members: dict[str, Any] = {"period": first.period}
        if kind == "unit":
            members["organization_code"] = first.subject
        elif kind == "row":
            members["row_id"] = first.subject
        else:
            of = None if unit is None else unit_of(unit, self.desk.plan)
            members |= {"village_code": first.subject, "village_name": name}
            members["organization_code"] = of
        findings = {one.item: one.finding for one in rows if one.item and not one.faults}
        try:
            said = _Members.model_validate(members)
        except ValidationError as error:
            faults = tuple(faults_of(error.errors(include_url=False)))
            return NewAssessment(first.period, findings=findings, faults=faults)
        return NewAssessment(**said.model_dump(), findings=findings)

    def outcome(self, block: AssessmentBlock, decided: Sequence[WrittenAssessment]) -> BlockOutcome:
        """Return the outcome of a block whose assessments were decided: one row for each."""
        faults = list(block.faults)
        rows = []
        for group, one in zip(block.groups, decided, strict=True):
            rows.append((group.first, one.outcome))
            faults += [self._told_of(group, fault) for fault in one.faults]
            faults += self._overtaken(group, one)
        return BlockOutcome(rows, faults)

    def moved(
        self, block: AssessmentBlock, decided: Sequence[WrittenAssessment]
    ) -> list[SheetFault]:
        """Return a fault for each assessment that was changed after the file was sent."""
        return [
            self.told(group.first, CHANGED_SINCE)
            for group, one in zip(block.groups, decided, strict=True)
            if one.outcome == "updated"
            and one.before is not None
            and one.before["updated_at"] > self.desk.sent_at
        ]

    def _told_of(self, group: _Group, fault: Fault) -> SheetFault:
        """Return a fault of an assessment at the row of its item, or at its first row."""
        member, _, rest = fault.pointer.removeprefix("/").partition("/")
        code, _, part = rest.partition("/")
        row = group.rows.get(code) if member == "findings" else None
        number, key = group.first, member
        if row is not None:
            number, key = row.number, part.partition("/")[0] or "item_code"
        return self.told(number, replace(fault, pointer=f"/{key}"))

    def _overtaken(self, group: _Group, one: WrittenAssessment) -> list[SheetFault]:
        """Return the cells that would restore findings from when the form was made."""
        before = {} if one.before is None else one.before["findings"]
        return [
            fault
            for code, row in group.rows.items()
            if (item := self._items.get(code)) is not None
            for fault in self.changed_since_made(row.number, partial(_cells, item, before))
        ]


def _cells(item: SheetItem, findings: Mapping[str, Any]) -> Mapping[str, Any]:
    return cells_of_finding(item, findings.get(item.code))


_NO_ITEM = Text("该行填写了内容而没有项目编号", "The row says something and names no item")
_NO_SUBJECT = Text(
    "没有写明评估对象：请填写对象编号", "It names nobody who is assessed: write subject_code"
)
_SCATTERED = Fault(
    "/subject_code",
    "subject-scattered",
    Text(
        "同一对象的各行相隔太远：请按对象排序后再上传",
        "The rows of the subject stand too far apart: sort them by subject and send the file again",
    ),
)
_STALE = Fault(
    "",
    "changed-since-made",
    Text(
        "评估表下载后，该项已另有评估，而此格仍是下载时的内容：请重新下载评估表填写",
        "The item was assessed anew after the form was made, and this cell is as it was made: fill"
        " in a fresh form",
    ),
)
