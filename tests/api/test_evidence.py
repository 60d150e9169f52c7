"""Evidence: files come in, are looked at, rest under what they are for, and go out again."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash

from services.core.evidence.links import EvidenceLink
from services.core.kit.ids import made_at
from tests.support.api import XINMI, Door
from tests.support.evidence import DOCX, PDF, TEXT, UNIT, a_draft, added, archive, files_below, png
from tests.support.milestones import a_milestone_in


async def events_of(door: Door, subject_id: str) -> list[Any]:
    rows = await door.held.database.pool.fetch(
        "SELECT type, data FROM event WHERE city_code = '410183' AND subject_id = $1 ORDER BY id",
        subject_id,
    )
    return [row["type"] for row in rows]


async def test_a_file_is_kept_with_its_digests_and_comes_back_as_it_was(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        before = (await unit.get(f"/submissions/{draft}")).json()
        answer = await added(unit, f"submissions/{draft}")
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["sha256"] == hashlib.sha256(PDF).hexdigest()
        sm3 = Hash(SM3())
        sm3.update(PDF)
        assert made["sm3"] == sm3.finalize().hex()
        assert (made["type"], made["size"], made["file_name"]) == ("pdf", len(PDF), "监测报告.pdf")
        assert made["subject"] == {"kind": "submission", "id": draft}
        assert answer.headers["Location"] == f"/v1/evidence/{made['id']}"

        content = await unit.get(f"/evidence/{made['id']}/content")
        assert content.content == PDF
        assert content.headers["Content-Type"] == "application/pdf"
        assert content.headers["ETag"] == f'"{made["sha256"]}"'
        assert content.headers["X-Content-Type-Options"] == "nosniff"
        assert content.headers["Content-Disposition"].startswith("attachment;")
        assert "%E7%9B%91%E6%B5%8B" in content.headers["Content-Disposition"]
        known = {"If-None-Match": content.headers["ETag"]}
        again = await unit.get(f"/evidence/{made['id']}/content", headers=known)
        assert (again.status_code, again.content) == (304, b"")
        head = await unit.head(f"/evidence/{made['id']}/content")
        assert (head.content, head.headers["Content-Length"]) == (b"", str(len(PDF)))

        # It is part of what is reported: version, history and event move together.
        after = (await unit.get(f"/submissions/{draft}")).json()
        assert (after["version"], after["evidence_count"]) == (before["version"] + 1, 1)
        history = (await unit.get(f"/submissions/{draft}/history")).json()["items"]
        assert history[-1]["action"] == "evidence_added"
        assert [one["sha256"] for one in history[-1]["after"]["files"]] == [made["sha256"]]
        listed = (await unit.get(f"/submissions/{draft}/evidence")).json()
        assert [one["id"] for one in listed["items"]] == [made["id"]]
        assert (await unit.get(f"/evidence/{made['id']}")).json() == made
    assert await events_of(door, draft) == ["submission.created", "evidence.added"]


async def test_one_that_was_removed_leaves_its_record_and_its_history(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
        gone = await unit.delete(f"/evidence/{made['id']}")
        assert gone.status_code == 200, gone.text
        assert gone.json()["removed_by"]["organization_code"] == "UN15"
        assert (await unit.get(f"/evidence/{made['id']}")).json() == gone.json()
        assert (await unit.get(f"/submissions/{draft}/evidence")).json()["items"] == []
        content = await unit.get(f"/evidence/{made['id']}/content")
        assert (content.status_code, content.json()["code"]) == (410, "evidence-removed")
        twice = await unit.delete(f"/evidence/{made['id']}")
        assert (twice.status_code, twice.json()["code"]) == (410, "evidence-removed")
        history = (await unit.get(f"/submissions/{draft}/history")).json()["items"]
        assert [one["action"] for one in history] == [
            *("created", "evidence_added", "evidence_removed")
        ]
    assert (await events_of(door, draft))[-1] == "evidence.removed"


async def test_what_was_approved_keeps_the_files_it_was_approved_with(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit, await door.as_("office") as office:
        kept = (await added(unit, f"submissions/{draft}")).json()
        await unit.post(f"/submissions/{draft}/submit")
        late = await added(unit, f"submissions/{draft}", TEXT, "说明.txt")
        assert (late.status_code, late.json()["code"]) == (409, "transition-refused")
        assert (await office.post(f"/submissions/{draft}/approve")).status_code == 200
        assert (await unit.delete(f"/evidence/{kept['id']}")).status_code == 409
        reopened = await office.post(f"/submissions/{draft}/reopen", json={"reason": "更正"})
        assert reopened.status_code == 200
        refused = await unit.delete(f"/evidence/{kept['id']}")
        assert (refused.status_code, refused.json()["code"]) == (409, "evidence-rested-upon")
        more = (await added(unit, f"submissions/{draft}", TEXT, "说明.txt")).json()
        # The superior sees what it was approved with, and nothing of the work since.
        async with await door.as_("superior") as superior:
            seen = (await superior.get(f"/submissions/{draft}/evidence")).json()["items"]
            assert [one["id"] for one in seen] == [kept["id"]]
            assert (await superior.get(f"/evidence/{more['id']}/content")).status_code == 404
            assert (await superior.get(f"/evidence/{kept['id']}/content")).content == PDF
            assert (await superior.get(f"/submissions/{draft}")).json()["evidence_count"] == 1
        assert (await unit.delete(f"/evidence/{more['id']}")).status_code == 200
        history = (await office.get(f"/submissions/{draft}/history")).json()["items"]
        approved = next(one for one in history if one["action"] == "approved")
        assert [one["sha256"] for one in approved["after"]["files"]] == [kept["sha256"]]


async def test_nobody_else_sees_or_adds_it(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
    async with await door.as_("reporter", "UN10") as other:
        for path in (f"/evidence/{made['id']}", f"/evidence/{made['id']}/content"):
            assert (await other.get(path)).status_code == 404
        assert (await other.delete(f"/evidence/{made['id']}")).status_code == 404
        assert (await other.post(f"/evidence/{made['id']}/link")).status_code == 404
        assert (await other.get(f"/submissions/{draft}/evidence")).status_code == 404
        before = files_below(door)
        assert (await added(other, f"submissions/{draft}")).status_code == 404
    async with await door.as_("leader") as leader:
        assert (await leader.get(f"/evidence/{made['id']}/content")).content == PDF
        assert (await added(leader, f"submissions/{draft}")).status_code == 403
        assert (await leader.delete(f"/evidence/{made['id']}")).status_code == 403
    # Not a byte was kept of what nobody may add.
    assert files_below(door) == before


HOSTILE = [
    (b"", "空.pdf", "", "file-empty"),
    (b"%PDF-1.7 and no end", "断.pdf", "", "file-cut-off"),
    (PDF, "报告.docx", "", "file-type-disagrees"),
    (PDF, "报告.pdf", "image/png", "file-type-disagrees"),
    (b"\x7fELF\x02\x01\x01\x00" + bytes(200), "工具.pdf", "", "file-type-unknown"),
    (b"MZ\x90\x00" + bytes(200), "报告.pdf", "", "file-type-unknown"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "旧.doc", "", "file-type-unknown"),
    (PDF + archive("evil.txt"), "双重.pdf", "", "file-ambiguous"),
    (
        archive("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"),
        "宏.xlsx",
        "",
        "file-with-macros",
    ),
    (DOCX[:-10], "断.docx", "", "file-cut-off"),
    (b"PK\x03\x04" + DOCX[-22:], "断.zip", "", "file-cut-off"),
    (b"PK\x05\x06" + b"\xff" * 16 + b"\x00\x00", "假.zip", "", "file-cut-off"),
    ("<script>alert(1)</script>".encode("utf-16"), "页.txt", "", "file-type-unknown"),
    (TEXT, "../../etc/passwd", "", "file-name-refused"),
    (TEXT, "..\\..\\boot.ini", "", "file-name-refused"),
    (TEXT, "..", "", "file-name-refused"),
    (TEXT, "无害\u202egpj.txt", "", "file-name-refused"),
    (TEXT, "长" * 90 + ".txt", "", "file-name-refused"),
]


@pytest.mark.parametrize(("content", "name", "media_type", "code"), HOSTILE)
async def test_a_hostile_file_is_refused_with_advice_and_none_of_it_is_kept(
    door: Door, content: bytes, name: str, media_type: str, code: str
) -> None:
    draft = await _shared_draft(door)
    before = files_below(door)
    async with await door.as_(*UNIT) as unit:
        headers = {"Content-Type": media_type} if media_type else None
        answer = await added(unit, f"submissions/{draft}", content, name, headers=headers)
        assert answer.status_code == 422, answer.text
        assert code in [one["code"] for one in answer.json()["errors"]]
        assert len(answer.content) < 3000
    assert files_below(door) == before


_DRAFTS: dict[int, str] = {}


async def _shared_draft(door: Door) -> str:
    if id(door) not in _DRAFTS:
        _DRAFTS[id(door)] = await a_draft(door)
    return _DRAFTS[id(door)]


async def test_every_fault_is_told_at_once(door: Door) -> None:
    draft = await _shared_draft(door)
    async with await door.as_(*UNIT) as unit:
        answer = await added(
            unit,
            f"submissions/{draft}",
            png(),
            "图\n片.pdf",
            headers={"Content-Type": "application/pdf"},
            filename="x",
        )
    assert [one["code"] for one in answer.json()["errors"]] == [
        *("file-name-refused", "file-type-disagrees", "file-type-disagrees", "unknown-parameter")
    ]


async def test_a_large_file_streams_in_flat_memory_and_one_too_large_is_stopped(
    door: Door,
) -> None:
    draft = await a_draft(door)
    block = b"%PDF-1.7\n" + b"0" * (256 * 1024 - 9)

    async def sent(blocks: int) -> AsyncIterator[bytes]:
        for number in range(blocks):
            yield block if number == 0 else b"0" * len(block)
        yield b"%%EOF"

    async with await door.as_(*UNIT) as unit:
        await added(unit, f"submissions/{draft}")
        tracemalloc.start()
        try:
            answer = await added(unit, f"submissions/{draft}", sent(79), "大.pdf")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert answer.status_code == 201, answer.text
        assert answer.json()["size"] == 79 * len(block) + 5
        assert peak < 12 * 1024 * 1024
        refused = await added(unit, f"submissions/{draft}", sent(81), "更大.pdf")
        assert (refused.status_code, refused.json()["code"]) == (413, "file-too-large")
        assert refused.json()["max_bytes"] == 20 * 1024 * 1024
        declared = {"Content-Length": str(200 * 1024 * 1024)}
        at_once = await added(unit, f"submissions/{draft}", b"", "巨大.pdf", headers=declared)
        assert (at_once.status_code, at_once.json()["code"]) == (413, "file-too-large")
    assert not [one for one in files_below(door) if one.name.startswith(".")]


async def test_a_repeat_adds_nothing_and_a_preview_keeps_nothing(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        before = files_below(door)
        tried = await added(unit, f"submissions/{draft}", validate_only="true")
        assert tried.status_code == 201, tried.text
        assert files_below(door) == before
        key = {"Idempotency-Key": "evidence-1"}
        first = await added(unit, f"submissions/{draft}", headers=key)
        again = await added(unit, f"submissions/{draft}", headers=key)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()
        other = await added(unit, f"submissions/{draft}", TEXT, headers=key, name="监测报告.txt")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
        listed = (await unit.get(f"/submissions/{draft}/evidence")).json()["items"]
        assert [one["id"] for one in listed] == [first.json()["id"]]
    assert len(files_below(door)) == len(before) + 1


async def test_a_link_is_good_for_a_while_and_no_longer_than_its_makers_key(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
    async with door.client(door.admin_secret) as admin:
        body: dict[str, Any] = {"name": "链接", "role": "reporter", "organization_code": "UN15"}
        key = (await admin.post("/api-keys", json=body)).json()
    anybody = httpx.AsyncClient(
        transport=httpx.ASGITransport(door.app), base_url="http://wufei.test"
    )
    async with door.client(key["secret"]) as maker, anybody:
        link = (await maker.post(f"/evidence/{made['id']}/link?minutes=5")).json()
        shown = await anybody.get(link["path"])
        assert shown.content == PDF
        assert "attachment" in shown.headers["Content-Disposition"]
        forged = await anybody.get(link["path"][:-3] + "AAA")
        assert forged.status_code == 401
        for minutes in (0, 61):
            refused = await maker.post(f"/evidence/{made['id']}/link?minutes={minutes}")
            assert refused.status_code == 422
        async with door.client(door.admin_secret) as admin:
            revoked = await admin.delete(f"/api-keys/{key['id']}")
            assert revoked.status_code < 300, revoked.text
        # Of a key that is for use from one network, its links are too.
        async with door.client(door.admin_secret) as admin:
            body |= {"name": "内网", "allowed_networks": ["10.20.0.0/16"]}
            inner = (await admin.post("/api-keys", json=body)).json()
        seal = door.held.seal
        assert seal is not None
        until = door.held.clock.true_now() + timedelta(minutes=5)
        theirs = EvidenceLink("410183", UUID(made["id"]), UUID(inner["id"]), until).token(seal)
        assert (await anybody.get(f"/v1/evidence-content?link={theirs}")).status_code == 401
        late = EvidenceLink(
            "410183", UUID(made["id"]), UUID(inner["id"]), made_at(UUID(made["id"]))
        )
        expired = await anybody.get(f"/v1/evidence-content?link={late.token(seal)}")
        assert (expired.status_code, expired.json()["code"]) == (410, "evidence-link-ended")
        ended = await anybody.get(link["path"])
        assert (ended.status_code, ended.json()["code"]) == (410, "evidence-link-ended")


async def test_a_milestone_keeps_the_files_it_was_closed_with(door: Door) -> None:
    milestone = (await a_milestone_in(door, "accepted")).json()
    subject = f"milestones/{milestone['id']}"
    unit_code = milestone["organization_code"]
    async with await door.as_("reporter", unit_code) as unit, await door.as_("office") as office:
        made = await added(unit, subject, png(), "现场.png")
        assert made.status_code == 201, made.text
        wrong = (await added(unit, subject, TEXT, "错.txt")).json()
        assert (await unit.delete(f"/evidence/{wrong['id']}")).status_code == 200
        shown = (await unit.get(f"/{subject}")).json()
        assert shown["evidence_count"] == 1
        assert shown["version"] == milestone["version"] + 3
        # A file is a document: the milestone's own rule asks for one, and here it is.
        done = await unit.post(f"/{subject}/complete", json={"narrative": "已建成"})
        assert done.status_code == 200, done.text
        assert (await added(unit, subject, TEXT, "迟.txt")).status_code == 409
        await office.post(f"/{subject}/close", json={"grade": "good"})
        await office.post(f"/{subject}/reopen", json={"reason": "复核"})
        kept = await unit.delete(f"/evidence/{made.json()['id']}")
        assert (kept.status_code, kept.json()["code"]) == (409, "evidence-rested-upon")
        history = (await office.get(f"/{subject}/history")).json()["items"]
        closed = next(one for one in history if one["action"] == "closed")
        assert closed["after"]["files"][0]["sha256"] == made.json()["sha256"]
    assert "evidence.added" in await events_of(door, milestone["id"])


async def test_an_assigned_target_has_its_document_for_good(door: Door) -> None:
    path = f"plans/{XINMI}/indicators/R01/targets/2025"
    async with await door.as_("office") as office:
        none_yet = await added(office, path)
        assert (none_yet.status_code, none_yet.json()["code"]) == (404, "target-not-assigned")
        body = {
            "kind": "at_most",
            "value": "1",
            "document_number": "郑环〔2025〕3号",
            "document_date": "2025-03-01",
        }
        assigned = await office.put(f"/{path}", json=body)
        assert assigned.status_code == 200, assigned.text
        made = await added(office, path, PDF, "下达文件.pdf")
        assert made.status_code == 201, made.text
        assert made.json()["subject"]["id"] == f"{XINMI}/R01/2025/1"
        listed = (await office.get(f"/{path}/evidence")).json()["items"]
        assert [one["id"] for one in listed] == [made.json()["id"]]
        refused = await office.delete(f"/evidence/{made.json()['id']}")
        assert (refused.status_code, refused.json()["code"]) == (409, "evidence-rested-upon")
    async with await door.as_(*UNIT) as unit:
        assert (await unit.get(f"/evidence/{made.json()['id']}/content")).content == PDF
        assert (await added(unit, path)).status_code == 403


async def test_a_file_that_the_store_lost_is_a_clear_refusal(door: Door) -> None:
    draft = await a_draft(door)
    async with await door.as_(*UNIT) as unit:
        made = (await added(unit, f"submissions/{draft}")).json()
        lost = next(one for one in files_below(door) if one.name == made["id"])
        await asyncio.to_thread(lost.unlink)
        answer = await unit.get(f"/evidence/{made['id']}/content")
    assert (answer.status_code, answer.json()["code"]) == (503, "file-missing")
