"""Papers as the tests have them made."""

import hashlib
import io
import re
import zipfile
from typing import Any

from services.worker.papering import Papering
from tests.support.api import XINMI, Door, a_submission
from tests.support.evidence import PDF, TEXT, UNIT, a_draft, added
from tests.support.scores import PLAN


def papering(door: Door) -> Papering:
    """Return what makes papers on the door's database."""
    held = door.held
    return Papering(held.database, held.clock, held.files, seal=held.seal)


async def ended(door: Door, **wish: Any) -> dict[str, Any]:
    """Ask for a paper as the office and have it made; return how its operation ended."""
    async with await door.as_("office") as office:
        begun = await office.post(f"/plans/{XINMI}/papers", json={"kind": "bulletin", **wish})
        assert begun.status_code == 202, begun.text
        await papering(door).work_off()
        answer = await office.get(begun.headers["Location"].removeprefix("/v1"))
    found: dict[str, Any] = answer.json()
    return found


async def a_paper(door: Door, **wish: Any) -> str:
    """Return the id of a bulletin that was made, of a value that is there for it if none was."""
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await unit.post(f"/plans/{XINMI}/submissions", json=a_submission(period="2021"))
        if made.status_code == 201:
            await office.post(f"/submissions/{made.json()['id']}/approve")
    await door.react()
    found = await ended(door, **{"period": "2021", **wish})
    assert found["state"] == "succeeded", found
    return str(found["result"]["paper_id"])


PATH = f"{PLAN}/papers"


async def made(door: Door, **wish: Any) -> dict[str, Any]:
    """Have a paper made, and return it."""
    done = await ended(door, **{"period": "2021", **wish})
    assert done["state"] == "succeeded", ended
    return await got(door, f"/papers/{done['result']['paper_id']}")


async def got(door: Door, path: str, role: str = "leader", **params: Any) -> dict[str, Any]:
    async with await door.as_(role) as client:
        answer = await client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def content(door: Door, paper: dict[str, Any], form: str = "docx") -> bytes:
    async with await door.as_("leader") as leader:
        answer = await leader.get(f"/papers/{paper['id']}/content/{form}")
    assert answer.status_code == 200, answer.text
    listed = next(one for one in paper["files"] if one["format"] == form)
    assert hashlib.sha256(answer.content).hexdigest() == listed["sha256"]
    assert answer.headers["ETag"] == f'"{listed["sha256"]}"'
    assert len(answer.content) == listed["size"]
    return answer.content


def words_of(docx: bytes) -> str:
    """Return the text of a DOCX, its parts one after the other."""
    xml = zipfile.ZipFile(io.BytesIO(docx)).read("word/document.xml").decode()
    return "".join(re.findall(r"<w:t[^>]*>([^<]*)</w:t>", xml))


async def figures(door: Door, paper: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all figures of a paper by their keys."""
    found: dict[str, dict[str, Any]] = {}
    token = None
    while True:
        params = {"page_size": "40", **({} if token is None else {"page_token": token})}
        page = await got(door, f"/papers/{paper['id']}/figures", **params)
        found |= {one["key"]: one for one in page["items"]}
        token = page["next_page_token"]
        if token is None:
            return found


async def a_year_with_evidence(door: Door) -> str:
    """Have a scoreboard of a year with two files of evidence; return the year."""
    drafts = [await a_draft(door), await a_draft(door)]
    async with await door.as_(*UNIT) as unit:
        period = (await unit.get(f"/submissions/{drafts[0]}")).json()["period"]
        await added(unit, f"submissions/{drafts[0]}", PDF, "=报告.pdf")
        await added(unit, f"submissions/{drafts[1]}", TEXT, "说明.txt")
        for draft in drafts:
            assert (await unit.post(f"/submissions/{draft}/submit")).status_code == 200
    async with await door.as_("office") as office:
        for draft in drafts:
            assert (await office.post(f"/submissions/{draft}/approve")).status_code == 200
    year = str(period)[:4]
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body: dict[str, Any] = {
            "indicator_code": "U08",
            "organization_code": "UN15",
            "period": year,
            "value": "40.65",
        }
        reported = await unit.post(f"{PLAN}/submissions", json=body)
        if reported.status_code == 201:
            await office.post(f"/submissions/{reported.json()['id']}/approve")
    await door.react()
    return year
