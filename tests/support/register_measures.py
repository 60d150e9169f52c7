"""What registers measure: the figure, the draft it proposes, and what follows where a row ends."""

from typing import Any

import httpx

from tests.support.api import XINMI, Door
from tests.support.observed import conflicts_of
from tests.support.registers import ROWS, credit_code, sheet_of

PLAN = f"/plans/{XINMI}"
MEASURES = f"{PLAN}/registers/GREEN-FACTORY/measures"


async def figure(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(MEASURES, params={"period": "2025"})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    return dict(found)


async def submission_of(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    asked = {"indicator_code": "R04", "period": "2025"}
    return list((await client.get(f"{PLAN}/submissions", params=asked)).json()["items"])


async def three_confirmed(
    ledger: Door, unit: httpx.AsyncClient, office: httpx.AsyncClient
) -> list[str]:
    """Enter three factories by a sheet and confirm them; return their ids."""
    sheet = sheet_of([credit_code() for _ in range(3)])
    headers = {"Content-Type": "application/octet-stream"}
    sent = await unit.post(f"{ROWS}/sheet", content=sheet, headers=headers)
    ids = [str(one["id"]) for one in sent.json()["items"]]
    await ledger.react()
    assert await submission_of(office) == [], "what nobody confirmed proposes nothing"
    for row_id in ids:
        assert (await office.post(f"/register-rows/{row_id}/confirm")).status_code == 200
    await ledger.react()
    return ids


async def approved(unit: httpx.AsyncClient, office: httpx.AsyncClient) -> dict[str, Any]:
    """Hand the proposed draft in, which its unit cannot approve, and have the office do so."""
    (draft,) = await submission_of(office)
    path = f"/submissions/{draft['id']}"
    assert (await unit.post(f"{path}/submit")).status_code == 200
    assert (await unit.post(f"{path}/approve")).status_code == 403
    answer = await office.post(f"{path}/approve")
    assert answer.status_code == 200, answer.text
    return draft


async def revoked(ledger: Door, office: httpx.AsyncClient, row_id: str) -> dict[str, Any]:
    """Revoke a factory within the year, and return the conflict that follows."""
    assert await conflicts_of(office, "2025") == []
    end = {"reason": "移出名单", "ended_on": "2025-06-30"}
    answer = await office.post(f"/register-rows/{row_id}/revoke", json=end)
    assert answer.status_code == 200, answer.text
    await ledger.react()
    await ledger.react()
    (conflict,) = await conflicts_of(office, "2025")
    return conflict
