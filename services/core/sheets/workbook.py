"""The parts of a workbook that sheets refer to: sheet names, number formats, shared texts."""

import posixpath
from dataclasses import dataclass
from typing import Literal, get_args

from services.core.sheets.archive import CONTENT_TYPES, WORKBOOK, Archive
from services.core.sheets.cells import NumberFormat, format_of, unescaped
from services.core.sheets.errors import refused
from services.core.sheets.limits import SheetLimits
from services.core.sheets.markup import Markup

Visibility = Literal["visible", "hidden", "veryHidden"]
_VISIBILITIES = get_args(Visibility)

_RELATIONS = "xl/_rels/workbook.xml.rels"
_TRUE = {"1", "true", "on"}


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A sheet of a workbook: its name, visibility, and the part that holds it."""

    name: str
    visibility: Visibility
    part: str


@dataclass(slots=True)
class WorkbookParts:
    """The properties of a workbook. `recalculates`: its formulas still have to be calculated."""

    sheets: list[SheetEntry]
    from_1904: bool
    recalculates: bool
    strings_part: str | None
    styles_part: str | None


def read_parts(archive: Archive, limits: SheetLimits) -> WorkbookParts:
    """Return the properties of a workbook.

    Raises:
        SheetRefused: it is damaged, or has unsupported content.
    """
    _check_types(archive, limits)
    targets = _Targets(archive, limits)
    found: list[tuple[str, str, str]] = []
    flags: dict[str, str] = {}

    def sheet(attributes: dict[str, str]) -> None:
        if len(found) >= limits.sheets:
            raise refused("too-many-sheets")
        relation = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), "")
        state = attributes.get("state", "visible")
        found.append((attributes.get("name", ""), state, relation))

    markup = Markup(
        {"sheet": sheet, "workbookPr": flags.update, "calcPr": flags.update}, {}, limits
    )
    markup.read(archive.parts_of(WORKBOOK))
    entries = []
    for name, state, relation in found:
        # Chart and dialog sheets have no cells.
        kind, part = targets.by_id.get(relation, ("", ""))
        if kind == "worksheet":
            shown = state if state in _VISIBILITIES else "hidden"
            entries.append(SheetEntry(name, shown, part))  # type: ignore[arg-type] # one of them
    if not entries:
        raise refused("damaged-workbook")
    return WorkbookParts(
        sheets=entries,
        from_1904=flags.get("date1904", "") in _TRUE,
        recalculates=flags.get("fullCalcOnLoad", "") in _TRUE,
        strings_part=targets.of_kind("sharedStrings"),
        styles_part=targets.of_kind("styles"),
    )


def _check_types(archive: Archive, limits: SheetLimits) -> None:
    types: set[str] = set()

    def note(attributes: dict[str, str]) -> None:
        if attributes.get("PartName", "") == f"/{WORKBOOK}" or "Extension" in attributes:
            types.add(attributes.get("ContentType", "").lower())

    markup = Markup({"Override": note, "Default": note}, {}, limits)
    markup.read(archive.parts_of(CONTENT_TYPES))
    if any("macroenabled" in one or "vbaproject" in one for one in types):
        raise refused("workbook-with-macros")


class _Targets:
    """The parts of a workbook by relationship id and by type."""

    def __init__(self, archive: Archive, limits: SheetLimits) -> None:
        self.by_id: dict[str, tuple[str, str]] = {}
        self._archive = archive
        markup = Markup({"Relationship": self._note}, {}, limits)
        markup.read(archive.parts_of(_RELATIONS))

    def _note(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("Type", "").rpartition("/")[2]
        if attributes.get("TargetMode") == "External":
            raise refused("external-links")
        target = attributes.get("Target", "")
        part = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
        self.by_id[attributes.get("Id", "")] = kind, posixpath.normpath(part)

    def of_kind(self, wanted: str) -> str | None:
        found = (part for kind, part in self.by_id.values() if kind == wanted)
        part = next(found, None)
        return part if part is not None and part in self._archive else None


def read_styles(archive: Archive, part: str | None, limits: SheetLimits) -> list[NumberFormat]:
    """Return the number format of each cell style.

    Raises:
        SheetRefused: the part is damaged.
    """
    codes: dict[str, str] = {}
    styles: list[NumberFormat] = []
    inside = False

    def describe(attributes: dict[str, str]) -> None:
        codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        if len(codes) > limits.styles:
            raise refused("damaged-workbook")

    def enter(_: dict[str, str]) -> None:
        nonlocal inside
        inside = True

    def leave() -> None:
        nonlocal inside
        inside = False

    def style(attributes: dict[str, str]) -> None:
        if not inside:
            return
        number = attributes.get("numFmtId", "0")
        if len(styles) >= limits.styles or not number.isdigit():
            raise refused("damaged-workbook")
        styles.append(format_of(int(number), codes.get(number)))

    if part is not None:
        starts = {"numFmt": describe, "cellXfs": enter, "xf": style}
        Markup(starts, {"cellXfs": leave}, limits).read(archive.parts_of(part))
    return styles


def read_strings(archive: Archive, part: str | None, limits: SheetLimits) -> list[str]:
    """Return the shared strings by index, without phonetic text.

    Raises:
        SheetRefused: the part is damaged, or too large.
    """
    strings: list[str] = []
    if part is None:
        return strings
    total = 0
    pronounced = False

    def begin_text(_: dict[str, str]) -> None:
        markup.wanted = not pronounced

    def end_text() -> None:
        markup.wanted = False

    def begin_pronounced(_: dict[str, str]) -> None:
        nonlocal pronounced
        pronounced = True

    def end_pronounced() -> None:
        nonlocal pronounced
        pronounced = False

    def end_string() -> None:
        nonlocal total
        text = markup.text()
        total += len(text)
        if total > limits.text or len(strings) >= limits.strings:
            raise refused("too-much-text")
        strings.append(unescaped(text))

    markup = Markup(
        {"t": begin_text, "rPh": begin_pronounced},
        {"t": end_text, "rPh": end_pronounced, "si": end_string},
        limits,
    )
    markup.read(archive.parts_of(part))
    return strings
