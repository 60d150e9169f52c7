"""Verifies a paper's file against its own data and the ledger; and traces a figure of it."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from services.console.calling import no_answer, refusal
from services.console.errors import ConsoleError
from services.core.evidence.archives.contents import HEADINGS, LIST
from services.core.kit.file_faults import BROKEN_ZIP, FileFault
from services.core.kit.text import Text
from services.core.papers.figures import PaperFigure
from services.core.papers.traced_files import CarriedPaper, carries_paper, read_paper

_MOST_EVIDENCE = 20
_LARGEST_DOCUMENT = 128 * 1024 * 1024
_PAGE = 100
_PART_BYTES = 1024 * 1024
_DOCUMENTS = (".docx", ".xlsx")
_PATH, _OF, _SHA256 = (HEADINGS.index(one) for one in ("路径", "指标或措施", "SHA-256"))


@dataclass(frozen=True, slots=True)
class PaperFileRead:
    """A file of a paper: its format, digest and faults, and the paper data that it carries, if any.

    `evidence` are the lines of a pack's list: path, indicator, SHA-256.
    """

    form: str
    sha256: str
    faults: tuple[FileFault, ...] = ()
    paper: CarriedPaper | None = None
    evidence: tuple[tuple[str, str, str], ...] = field(default=())


def read_file(path: Path, trusted: Collection[bytes]) -> PaperFileRead | None:
    """Return a DOCX, XLSX, PDF or pack of a paper, checked by itself; None: it is none."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        if file.read(5) == b"%PDF-":
            return PaperFileRead("pdf", digest)
        if carries_paper(file):
            paper = read_paper(file, trusted)
            form = "docx" if path.suffix.lower() == ".docx" else "xlsx"
            return PaperFileRead(form, digest, paper.faults, paper)
        try:
            return _in_pack(zipfile.ZipFile(file), digest, trusted)
        except (*BROKEN_ZIP, OSError):
            return None


def _in_pack(
    archive: zipfile.ZipFile, digest: str, trusted: Collection[bytes]
) -> PaperFileRead | None:
    """Return the paper in an archive with evidence; None: it has none.

    Whether the archive's files match its list is checked elsewhere.
    """
    found = PaperFileRead("zip", digest)
    for entry in archive.infolist():
        if "/" in entry.filename or not entry.filename.lower().endswith(_DOCUMENTS):
            continue
        if entry.file_size > _LARGEST_DOCUMENT:
            continue
        document = io.BytesIO(archive.read(entry))
        if carries_paper(document):
            paper = read_paper(document, trusted)
            faults = [
                FileFault(f"{entry.filename} {fault.place}", fault.said) for fault in paper.faults
            ]
            faults += _beside_faults(archive, entry.filename, paper)
            found = replace(found, paper=paper, faults=(*found.faults, *faults))
    if found.paper is None:
        return None
    return replace(found, evidence=tuple(_evidence(archive)))


def _beside_faults(archive: zipfile.ZipFile, name: str, paper: CarriedPaper) -> Iterator[FileFault]:
    """Yield the fault of a pack whose PDF is not the one made with its documents."""
    beside = f"{name.rpartition('.')[0]}.pdf"
    expected = paper.said.get("beside", {}).get("pdf")
    if expected is None or beside not in archive.namelist():
        return
    hashing = hashlib.sha256()
    with archive.open(beside) as file:
        while piece := file.read(_PART_BYTES):
            hashing.update(piece)
    if hashing.hexdigest() != expected:
        yield FileFault(beside, _NOT_MADE_WITH)


def _evidence(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    if LIST not in archive.namelist() or archive.getinfo(LIST).file_size > _LARGEST_DOCUMENT:
        return
    text = archive.read(LIST).decode("utf-8-sig", "replace")
    for row in csv.reader(io.StringIO(text, newline="")):
        if len(row) == len(HEADINGS) and row[_OF]:
            yield row[_PATH], row[_OF], row[_SHA256]


def with_paper_of(file: PaperFileRead, other: PaperFileRead | None) -> PaperFileRead:
    """Return a file with the paper data of another; it must be the PDF made with that."""
    if other is None or other.paper is None:
        raise ConsoleError(f"{_CARRIES_NONE.en} / {_CARRIES_NONE.zh}")
    faults = list(other.faults)
    if other.paper.said.get("beside", {}).get(file.form) != file.sha256:
        faults.insert(0, FileFault(file.form.upper(), _NOT_MADE_WITH))
    return replace(file, faults=tuple(faults), paper=other.paper, evidence=other.evidence)


def figure_lines(file: PaperFileRead, number: int) -> Iterator[Text]:
    """Yield where a figure of a paper comes from, as far as the file tells.

    Raises:
        ConsoleError: the paper has no such figure.
    """
    figures = {} if file.paper is None else file.paper.figures
    figure = figures.get(number)
    if file.paper is None or figure is None:
        raise ConsoleError(f"{_NO_FIGURE.en} [{number}] / {_NO_FIGURE.zh}[{number}]")
    yield _FIGURE.format(**_named(figure))
    for name, said in figure.facts.items():
        if said is not None:
            yield _FACT.format(name=name, said=said)
    if figure.indicator is not None:
        yield _INDICATOR.format(indicator=figure.indicator)
    for other in figure.rests_on:
        if other in figures:
            yield _RESTS_ON.format(**_named(figures[other]))
    files = [one for one in file.evidence if one[1] == figure.indicator]
    for path, _, digest in files[:_MOST_EVIDENCE]:
        yield _WITH_EVIDENCE.format(path=path, sha256=digest)
    if len(files) > _MOST_EVIDENCE:
        yield _MORE_EVIDENCE.format(number=len(files) - _MOST_EVIDENCE)
    yield _UPTO.format(position=file.paper.said["position"])


def _named(figure: PaperFigure) -> dict[str, object]:
    return {
        "number": figure.number,
        "label": figure.label,
        "shown": figure.shown,
        "period": figure.period,
    }


class LedgerOfPapers:
    """The papers of a plan, read through the API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def found(self, file: PaperFileRead, plan: str | None) -> Mapping[str, Any] | None:
        """Return the paper of a file, by its bytes, or else by its own data; None: there is none.

        Raises:
            ConsoleError: its plan is not known, or the API refuses.
        """
        said: Mapping[str, Any] = {} if file.paper is None else file.paper.said
        code = said.get("plan", plan)
        if code is None:
            raise ConsoleError(f"{_WHICH_PLAN.en} / {_WHICH_PLAN.zh}")
        asked = {name: said[name] for name in ("kind", "period") if said.get(name) is not None}
        alike = None
        for paper in self._papers(code, asked):
            if is_file_of(file, paper):
                return paper
            if alike is None and paper["digest"] == said.get("digest"):
                alike = paper
        return alike

    def _papers(self, plan: str, asked: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        token: str | None = None
        while True:
            more: dict[str, str] = {} if token is None else {"page_token": token}
            page = self._got(f"plans/{plan}/papers", {**asked, "page_size": str(_PAGE), **more})
            yield from page["items"]
            token = page["next_page_token"]
            if token is None:
                return

    def trace_lines(self, paper: Mapping[str, Any], number: int) -> Iterator[Text]:
        """Yield where a figure of a paper comes from, by the ledger.

        Raises:
            ConsoleError: the API refuses, for example because the paper has no such figure.
        """
        trace = self._got(f"papers/{paper['id']}/figures/{number}", {})
        yield _FIGURE.format(**{name: trace[name] for name in _OF_FIGURE})
        for one in trace["submissions"]:
            said = one["value"] if one["value"] is not None else one["level"]
            yield _SUBMISSION.format(
                period=one["period"],
                unit=one["organization_code"],
                said="—" if said is None else said,
                revision=one["revision"],
                id=one["submission_id"],
            )
        if trace["submissions_outside_scope"]:
            yield _OUTSIDE.format(number=trace["submissions_outside_scope"])
        if trace["rests_on"]:
            yield _NUMBERS.format(numbers=", ".join(f"[{one}]" for one in trace["rests_on"]))
        if trace["score_path"]:
            yield _SCORE.format(path=trace["score_path"])
        yield _UPTO.format(position=trace["position"])

    def _got(self, path: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            answer = self._client.get(path, params=dict(asked))
        except httpx.TransportError as error:
            raise no_answer(self._client, error) from None
        if answer.is_error:
            raise refusal(answer)
        found: Mapping[str, Any] = answer.json()
        return found


def is_file_of(file: PaperFileRead, paper: Mapping[str, Any]) -> bool:
    """Return whether a file is, byte for byte, one of a paper's stored files."""
    return any(one["sha256"] == file.sha256 for one in paper["files"])


_OF_FIGURE = ("number", "label", "shown", "period")
_FIGURE = Text("[{number}] {label}：{shown}（{period}）", "[{number}] {label}: {shown} ({period})")
_FACT = Text("    {name} = {said}", "    {name} = {said}")
_INDICATOR = Text("    指标 {indicator}", "    indicator {indicator}")
_RESTS_ON = Text(
    "    依据 [{number}] {label}：{shown}（{period}）",
    "    rests on [{number}] {label}: {shown} ({period})",
)
_WITH_EVIDENCE = Text("    佐证 {path} {sha256}", "    evidence {path} {sha256}")
_MORE_EVIDENCE = Text("    另有佐证 {number} 件", "    and {number} more files of evidence")
_UPTO = Text("    数据截至账目第 {position} 条", "    of the ledger up to position {position}")
_SUBMISSION = Text(
    "    {period} {unit} {said}（填报 {id} 第 {revision} 次修订）",
    "    {period} {unit} {said} (submission {id}, revision {revision})",
)
_OUTSIDE = Text("    另有 {number} 条不在可见范围", "    and {number} more outside of your scope")
_NUMBERS = Text("    依据 {numbers}", "    rests on {numbers}")
_SCORE = Text("    得分说明 {path}", "    its score is explained at {path}")
_NOT_MADE_WITH = Text(
    "不是与所附文件一同制作的，或被改动",
    "it is not the one that the document was made with, or it was altered",
)
_CARRIES_NONE = Text("所附文件没有携带数据来源", "The file beside it carries no paper")
_NO_FIGURE = Text("文件没有携带数据编号", "The file carries no figure")
_WHICH_PLAN = Text("请用 --plan 写明计划", "Name the plan with --plan")
