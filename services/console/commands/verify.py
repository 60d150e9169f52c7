"""`wufei verify`: checks any file or folder of ours for consistency, without a database.

It prints which kind of file it found, and the first faulty item; a fault makes the exit status 1.
"""

import hashlib
import re
from argparse import Namespace
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from services.console.calling import api_client, published_keys
from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.paper_files import (
    LedgerOfPapers,
    PaperFileRead,
    figure_lines,
    is_file_of,
    read_file,
    with_paper_of,
)
from services.core.audit import lines
from services.core.drops import drop_lines
from services.core.evidence.archives.listing import archive_faults, has_list
from services.core.kit.file_faults import FileFault
from services.core.kit.text import Language, Text
from services.core.packages.container import LARGEST_FILE, NotCarried
from services.core.packages.manifests import CarriedFile, opened
from services.core.packages.series import package_faults
from services.core.packages.signing import Trusted, public_bytes, shared_key, unsigned
from services.core.papers.making import code_of

_HEX_KEY = re.compile(r"[0-9a-f]{64}")
_ZIP, _PDF = b"PK\x03\x04", b"%PDF-"
_HEAD_BYTES = 4096

_WHOLE = Text("完好：{kind}，{count}", "Whole: {kind}, {count}")
_WORST = Text("首个问题：{place}：{said}", "First fault: {place}: {said}")
_UNKNOWN = Text("认不出这是哪一种文件", "It is no kind of file that we make")
_EMPTY = Text("文件夹中没有可核验的文件", "There is no file in the folder that could be verified")
_KINDS = {
    "package": Text("数据包", "package"),
    "receipt": Text("回执", "receipt"),
    "packages": Text("数据包文件夹", "folder of packages"),
    "drop": Text("投递的事件文件", "dropped file of events"),
    "drops": Text("投递文件夹", "folder of dropped files"),
    "files": Text("文件夹", "folder"),
    "evidence": Text("佐证材料包", "archive of evidence"),
    "audit": Text("审计导出", "export of an audit"),
    "paper": Text("文件", "paper"),
}
_ITEMS = Text("{number} 条", "{number} items")
_FILES = Text("{number} 个文件", "{number} files")
_OWN_KEY = Text(
    "没有给出公钥：签名按文件自带的公钥 {key} 核验，请与您另记的核对",
    "No public key was given: it is signed by the key {key} that it names; compare it with what"
    " you noted elsewhere",
)
_NOBODY = Text(
    "没有签名：任何人都可以做出这样一个文件；请与您另记的链头核对（wufei audit verify --head）",
    "Nobody signed it: anybody can make such a file; compare it with a head that you noted"
    " elsewhere (wufei audit verify --head)",
)
_BEGINS = Text(
    "从第 {number} 号开始：此前的不在这里，没有核验",
    "It begins with number {number}: what came before is not here, and was not verified",
)
_WHOLE_DIGEST = Text(
    "清单没有签名：请把整个文件的 SHA-256 {digest} 与生成它的操作结果核对",
    "The list is not signed: compare the SHA-256 of the whole file, {digest}, with the result of"
    " the operation that made it",
)
_FIGURES = Text("{number} 个数据，核验码 {code}", "{number} figures, code {code}")
_SHA256 = Text("SHA-256 {digest}", "SHA-256 {digest}")
_UNSIGNED_PAPER = Text(
    "文件没有签名：请把 SHA-256 {digest} 与 GET /v1/papers 所列核对，或用 --online 核对",
    "It is not signed: compare its SHA-256, {digest}, with what GET /v1/papers lists, or ask with"
    " --online",
)
_NO_TRACE = Text(
    "没有携带数据来源：由其他程序重新保存过，或由较早版本制作；可用 PDF 和 --online 核对",
    "It carries no trace: another program saved it again, or an earlier release made it; ask of"
    " its PDF with --online",
)
_ALONE = Text(
    "PDF 不能携带数据来源：用 --beside 指出一同制作的 DOCX、XLSX 或资料包，或用 --online 核对",
    "A PDF has no room for its trace: name the DOCX, XLSX or pack made with it by --beside, or ask"
    " with --online",
)
_NO_PAPER = Text(
    "--figure 和 --online 只用于文件（DOCX、XLSX、PDF、资料包）",
    "--figure and --online are of papers: DOCX, XLSX, PDF and packs",
)
_NOT_IN_LEDGER = Text("账目中没有这份文件", "the ledger has no such paper")
_IN_LEDGER = Text(
    "与账目所存一致：{title}，第 {number} 号，{id}",
    "As the ledger keeps it: {title}, number {number}, {id}",
)
_OTHERWISE = Text(
    "与账目所存的文件 {id} 内容相同而字节不同",
    "it says what the paper {id} of the ledger says, and its bytes are others",
)


@dataclass(frozen=True, slots=True)
class _Said:
    """The result for a file or folder: its kind, number of items, faults, and remarks."""

    kind: str
    count: Text
    faults: list[FileFault]
    remarks: tuple[Text, ...] = ()
    paper: PaperFileRead | None = None


def run(arguments: Namespace) -> int:
    """Verify a file or a folder; 1 if something is wrong."""
    language: Language = arguments.language or terminal_language()
    trusted = _trusted(arguments)
    path: Path = arguments.path
    try:
        said = _folder(path, trusted) if path.is_dir() else _file(path, trusted, arguments.beside)
        said = _traced(said, arguments, language)
    except OSError as error:
        raise ConsoleError(f"cannot read {path}: {error.strerror}") from None
    kind = _KINDS[said.kind].in_(language)
    for fault in said.faults[1:]:
        print(f"{fault.place}: {fault.said.in_(language)}")
    if said.faults:
        first = said.faults[0]
        print(_WORST.format(place=first.place, said=first.said.in_(language)).in_(language))
    else:
        count = said.count.in_(language)
        print(_WHOLE.format(kind=kind, count=count).in_(language))
    for remark in said.remarks:
        print(remark.in_(language))
    return int(bool(said.faults))


def _trusted(arguments: Namespace) -> Trusted:
    secret = None
    if arguments.secret_file is not None:
        try:
            secret = shared_key(arguments.secret_file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConsoleError(f"cannot read {arguments.secret_file}: {error}") from None
        if secret is None:
            raise ConsoleError(f"{arguments.secret_file} holds no secret that begins with whsec_")
    return Trusted(secret, _keys(arguments))


def _keys(arguments: Namespace) -> list[bytes]:
    """Return the public keys that may have signed: the given ones, or an installation's.

    Raises:
        ConsoleError: one is no key, or the named installation publishes none.
    """
    keys = [_public(one) for one in arguments.public_key or ()]
    if arguments.keys_from is not None:
        published = published_keys(arguments.keys_from)
        if not published:
            raise ConsoleError(f"{arguments.keys_from} publishes no keys: nothing is signed there")
        return [*keys, *published]
    return published_keys(arguments.url) if arguments.online and not keys else keys


def _public(said: str) -> bytes:
    if _HEX_KEY.fullmatch(said.lower()):
        return bytes.fromhex(said)
    found = public_bytes(said)
    if found is None:
        raise ConsoleError(f"{said} is no public key: write whpk_…, or its 64 digits")
    return found


def _file(path: Path, trusted: Trusted, beside: Path | None) -> _Said:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith((_ZIP, _PDF)):
        paper = read_file(path, trusted.public_keys)
        if paper is not None and paper.form != "zip":
            return _paper(paper, trusted, beside)
        with path.open("rb") as file:
            if has_list(file):
                return _evidence(path, paper, trusted.public_keys)
        if path.suffix.lower() in {".docx", ".xlsx"}:
            raise ConsoleError(f"{path}: {_NO_TRACE.en} / {_NO_TRACE.zh}")
        return _carried(path, trusted)
    if f'"format": "{drop_lines.FORMAT}"'.encode() in head.partition(b"\n")[0]:
        return _dropped(path, trusted.public_keys)
    if f'"format": "{lines.FORMAT}"'.encode() in head.partition(b"\n")[0]:
        return _audit(path, trusted.public_keys)
    raise ConsoleError(f"{path}: {_UNKNOWN.en} / {_UNKNOWN.zh}")


def _carried(path: Path, trusted: Trusted) -> _Said:
    try:
        one = _opened(path, trusted)
    except NotCarried as error:
        return _Said("package", _ITEMS, list(error.faults))
    kind = "receipt" if one.manifest.is_receipt else "package"
    return _Said(kind, _ITEMS.format(number=len(one.lines)), [], _remarks([one], trusted))


def _remarks(files: Collection[CarriedFile], trusted: Trusted) -> tuple[Text, ...]:
    if trusted.public_keys:
        return ()
    keys = sorted({one.manifest.public_key for one in files})
    return tuple(_OWN_KEY.format(key=key) for key in keys)


def _opened(path: Path, trusted: Trusted) -> CarriedFile:
    """Return a carried file whose parts and signatures are valid.

    Raises:
        NotCarried: they are not.
    """
    with path.open("rb") as file:
        one = opened(file.read(LARGEST_FILE + 1))
    manifest = one.manifest
    own = public_bytes(manifest.public_key)
    keys = trusted.public_keys or ([] if own is None else [own])
    wrong = unsigned(
        one.said, manifest.id, manifest.made_at, one.signatures, Trusted(trusted.secret, keys)
    )
    if wrong is not None:
        raise NotCarried(FileFault("signature.txt", wrong))
    return one


def _paper(file: PaperFileRead, trusted: Trusted, beside: Path | None) -> _Said:
    """Return the faults of a paper; a PDF cannot be checked by itself."""
    if beside is not None:
        file = with_paper_of(file, read_file(beside, trusted.public_keys))
    return _Said(
        "paper", _of_paper(file), list(file.faults), _paper_remarks(file, trusted.public_keys), file
    )


def _of_paper(file: PaperFileRead) -> Text:
    if file.paper is None or not file.paper.said:
        return _SHA256.format(digest=file.sha256)
    code = code_of(file.paper.said["digest"])
    return _FIGURES.format(number=len(file.paper.figures), code=code)


def _paper_remarks(file: PaperFileRead, keys: Collection[bytes]) -> tuple[Text, ...]:
    if file.paper is None:
        return ()
    if file.paper.public_key is None:
        return (_UNSIGNED_PAPER.format(digest=file.sha256),)
    return _key_remarks([file.paper.public_key], keys)


def _traced(said: _Said, arguments: Namespace, language: Language) -> _Said:
    """Return the result of a paper after asking the ledger, and print where a figure is from.

    Raises:
        ConsoleError: it is no paper, or the check needs the ledger.
    """
    asks = arguments.online or arguments.figure is not None
    file = said.paper
    if file is None:
        if asks:
            raise ConsoleError(f"{_NO_PAPER.en} / {_NO_PAPER.zh}")
        return said
    if not arguments.online:
        if file.paper is None:
            raise ConsoleError(f"{_ALONE.en} / {_ALONE.zh} (SHA-256 {file.sha256})")
        lines = () if arguments.figure is None else figure_lines(file, arguments.figure)
        _tell(lines, language)
        return said
    with api_client(arguments.url, language) as client:
        ledger = LedgerOfPapers(client)
        paper = ledger.found(file, arguments.plan)
        if paper is None:
            unknown = FileFault(file.form.upper(), _NOT_IN_LEDGER)
            return replace(said, faults=[*said.faults, unknown])
        if arguments.figure is not None:
            _tell(ledger.trace_lines(paper, arguments.figure), language)
    if is_file_of(file, paper):
        remark = _IN_LEDGER.format(title=paper["title"], number=paper["number"], id=paper["id"])
        return replace(said, remarks=(*said.remarks, remark))
    other = FileFault(file.form.upper(), _OTHERWISE.format(id=paper["id"]))
    return replace(said, faults=[*said.faults, other])


def _tell(lines: Iterable[Text], language: Language) -> None:
    for line in lines:
        print(line.in_(language))


def _evidence(path: Path, paper: PaperFileRead | None, keys: Collection[bytes]) -> _Said:
    with path.open("rb") as file:
        number, faults = archive_faults(file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    remarks: tuple[Text, ...] = (_WHOLE_DIGEST.format(digest=digest),)
    count = _FILES.format(number=number)
    if paper is None:
        return _Said("evidence", count, faults, remarks)
    remarks += _paper_remarks(paper, keys)
    return _Said("evidence", count, [*faults, *paper.faults], remarks, paper)


def _dropped(path: Path, keys: Collection[bytes]) -> _Said:
    read = drop_lines.read_drop(path.read_bytes(), list(keys))
    remarks = _drop_remarks([read], keys)
    return _Said("drop", _ITEMS.format(number=read.events), list(read.faults), remarks)


def _dropped_all(paths: Collection[Path], keys: Collection[bytes]) -> _Said:
    """Return the faults of dropped files, in each and between them."""
    read = {one.name: drop_lines.read_drop(one.read_bytes(), list(keys)) for one in paths}
    faults = [
        FileFault(f"{name} {fault.place}", fault.said)
        for name, one in read.items()
        for fault in one.faults
    ]
    known = {name: one.numbered for name, one in read.items() if one.numbered is not None}
    faults += drop_lines.drop_faults(known)
    if not keys:
        faults += drop_lines.unsigned_beside(read)
    remarks = _drop_remarks(read.values(), keys)
    remarks += _begins(one.number for one in known.values())
    return _Said("drops", _FILES.format(number=len(read)), faults, remarks)


def _drop_remarks(
    read: Collection[drop_lines.ReadDrop], keys: Collection[bytes]
) -> tuple[Text, ...]:
    """Return remarks on files that are unsigned, or signed with keys that nobody named."""
    signed = _key_remarks([one.public_key for one in read], keys)
    return signed if signed or keys or not read else (drop_lines.NOBODY,)


def _begins(numbers: Iterable[int]) -> tuple[Text, ...]:
    first = min(numbers, default=1)
    return () if first == 1 else (_BEGINS.format(number=first),)


def _key_remarks(found: Collection[bytes | None], keys: Collection[bytes]) -> tuple[Text, ...]:
    if keys:
        return ()
    named = sorted({one.hex() for one in found if one is not None})
    return tuple(_OWN_KEY.format(key=key) for key in named)


def _folder(path: Path, trusted: Trusted) -> _Said:
    """Return the faults of the files of a folder, in each and between them."""
    dropped = sorted(one for one in path.iterdir() if drop_lines.NAME.fullmatch(one.name))
    names = sorted(one for one in path.iterdir() if one.suffix == ".zip" and one.is_file())
    if not dropped and not names:
        raise ConsoleError(f"{path}: {_EMPTY.en} / {_EMPTY.zh}")
    said = [_dropped_all(dropped, trusted.public_keys)] if dropped else []
    said += [_packages(names, trusted)] if names else []
    if len(said) == 1:
        return said[0]
    count = _FILES.format(number=len(dropped) + len(names))
    remarks = tuple(dict.fromkeys(remark for one in said for remark in one.remarks))
    return _Said("files", count, [fault for one in said for fault in one.faults], remarks)


def _packages(names: Collection[Path], trusted: Trusted) -> _Said:
    good: dict[str, CarriedFile] = {}
    faults = list(_opened_all(names, trusted, good))
    faults += package_faults(good)
    count = _FILES.format(number=len(names))
    remarks = _remarks(good.values(), trusted)
    remarks += _begins(one.manifest.number for one in good.values() if not one.manifest.is_receipt)
    return _Said("packages", count, faults, remarks)


def _opened_all(
    paths: Collection[Path], trusted: Trusted, good: dict[str, CarriedFile]
) -> Iterator[FileFault]:
    for one in paths:
        try:
            good[one.name] = _opened(one, trusted)
        except NotCarried as error:
            for fault in error.faults:
                yield FileFault(f"{one.name} {fault.place}", fault.said)


def _audit(path: Path, keys: Collection[bytes]) -> _Said:
    try:
        with path.open("rb") as file:
            chain, breach = lines.verify_lines(file, trusted=frozenset(keys) or None)
    except lines.NotAnExport:
        return _Said("audit", _ITEMS, [FileFault("1", _UNKNOWN)])
    count = _ITEMS.format(number=chain.number)
    if breach is None:
        signed = chain.last_signed.signature if chain.last_signed else None
        if signed is None:
            return _Said("audit", count, [], (_NOBODY,))
        return _Said("audit", count, [], _key_remarks([signed.public_key], keys))
    return _Said("audit", count, [FileFault(str(breach.number), breach.said)])
