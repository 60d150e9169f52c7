"""Files to be sent as evidence, made by the tests, and where they are sent."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from services.core.evidence.keeping import UNCLAIMED
from services.core.kit.clock import Clock
from services.worker.archiving import Archiving
from services.worker.filing import Filing
from tests.support.api import XINMI, Door, a_submission
from tests.support.reported import a_period

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n0\n%%EOF\n"
TEXT = "监测报告：回收利用率 40.65%\n".encode()


def png() -> bytes:
    """Return a picture of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + crc

    head = b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00\x00"))
        + chunk(b"IEND", b"")
    )


def archive(*names: str) -> bytes:
    """Return an archive with files of these names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book:
        for name in names:
            book.writestr(name, "x" * 50)
    return made.getvalue()


DOCX = archive("[Content_Types].xml", "_rels/.rels", "word/document.xml")
XLSX = archive("[Content_Types].xml", "xl/workbook.xml")
OFD = archive("OFD.xml", "Doc_0/Document.xml")


async def added(
    client: httpx.AsyncClient,
    subject: str,
    content: Any = PDF,
    name: str = "监测报告.pdf",
    *,
    headers: Mapping[str, str] | None = None,
    **params: Any,
) -> httpx.Response:
    """Return the answer to a file that is added to `submissions/…`, `milestones/…` or a target."""
    return await client.post(
        f"/{subject}/evidence",
        content=content,
        params={"file_name": name, **params},
        headers=headers,
    )


TARGET = {
    "kind": "at_most",
    "value": "1",
    "document_number": "郑环〔2025〕1号",
    "document_date": "2024-03-01",
}
"""A target that the superior assigns."""


async def a_file_with_link(door: Door, submission_id: str) -> tuple[str, str]:
    """Add a file to a draft; return its id, and what a link to it says."""
    async with await door.as_("office") as office:
        made = await added(office, f"submissions/{submission_id}", b"evidence", "a.txt")
        assert made.status_code == 201, made.text
        linked = await office.post(f"/evidence/{made.json()['id']}/link")
    return str(made.json()["id"]), str(linked.json()["path"]).split("link=")[1]


async def an_assigned_target(door: Door, year: str) -> None:
    """Assign a target of R01 for a year."""
    async with await door.as_("office") as office:
        put = await office.put(f"/plans/{XINMI}/indicators/R01/targets/{year}", json=TARGET)
    assert put.status_code == 200, put.text


async def an_archive(door: Door, client: httpx.AsyncClient) -> str:
    """Return the id of an archive of the caller's that was made."""
    begun = await client.post(f"/plans/{XINMI}/evidence-archives", json={})
    assert begun.status_code == 202, begun.text
    store = door.held.files
    assert store is not None
    await Archiving(door.held.database, store, door.held.clock).work_off()
    return str(begun.json()["request"]["archive_id"])


async def evidence_named(
    door: Door, operation_id: str, named: dict[str, Any], submission_id: str
) -> dict[str, str]:
    """Make the evidence that an operation names; return what its address says in place of a key."""
    if "archive_id" in named:
        async with await door.as_("office") as office:
            named["archive_id"] = await an_archive(door, office)
    if operation_id == "add_target_evidence":
        named["year"] = "2024"
        await an_assigned_target(door, "2024")
    if "evidence_id" not in named and operation_id != "read_evidence_link":
        return {}
    named["evidence_id"], link = await a_file_with_link(door, submission_id)
    return {"link": link} if operation_id == "read_evidence_link" else {}


UNIT = ("reporter", "UN15")


async def a_draft(door: Door, **more: Any) -> str:
    async with await door.as_(*UNIT) as unit:
        made = await unit.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(period=a_period(), draft=True, **more),
        )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def files_below(door: Door) -> list[Path]:
    """Return the files of the store, without the word on whose it is, which lies in no folder."""
    store: Any = door.held.files
    return sorted(one for one in store._folder.glob("*/**/*") if one.is_file())


class Later(Clock):
    """A clock whose true hand is ahead: files are as old as their ids say."""

    @staticmethod
    @override
    def true_now() -> Any:
        return Clock.true_now() + UNCLAIMED + timedelta(minutes=1)


def filing(door: Door, clock: Clock) -> Filing:
    store = door.held.files
    assert store is not None
    return Filing(door.held.database, store, clock)
