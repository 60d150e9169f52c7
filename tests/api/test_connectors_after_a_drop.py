"""A period compared after the plan dropped an indicator, or the connector was narrowed."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.api import XINMI, Door, xinmi
from tests.support.connectors import WANTED, a_connector, approved

_ACCEPT = """
UPDATE connector_item SET state = 'accepted', receipt = 'R-1', receipts = 1, attempts = 1,
    settled_at = now(), payload = '{"figure": "39"}'
WHERE connector_id = $1 AND period = $2
"""


async def compared(door: Door, connector_id: str, period: str) -> list[Mapping[str, Any]]:
    async with await door.as_("office") as office:
        answer = await office.get(
            f"/connectors/{connector_id}/reconciliation", params={"period": period}
        )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


@pytest.mark.parametrize(("end", "period"), [("drop", "2025-06"), ("narrow", "2025-07")])
async def test_what_was_reported_is_compared_though_it_is_reported_no_more(
    door: Door, end: str, period: str
) -> None:
    await approved(door, period)
    connector_id = await a_connector(door)
    waiting = await a_connector(door, name="另一平台", mapping={**WANTED["mapping"], "units": None})
    await door.react()
    await door.held.database.pool.execute(_ACCEPT, connector_id, period)
    if end == "drop":
        document = xinmi()
        kept = tuple(one for one in document.indicators if one.code != "U08")
        await door.load(document.model_copy(update={"indicators": kept}))
    else:
        path = f"/connectors/{connector_id}"
        async with door.client(door.admin_secret) as admin:
            etag = (await admin.get(path)).headers["ETag"]
            changed = await admin.patch(
                path, json={"indicator_codes": ["U01"]}, headers={"If-Match": etag}
            )
            assert changed.status_code == 200, changed.text
    await door.react()
    line = {"indicator": "ZB-08", "organization": "4101830015", "value": "39.00"}
    stated = {"period": period, "reference": "豫环函〔2026〕5号", "lines": [line]}
    async with await door.as_("office") as office:
        taken = await office.post(f"/connectors/{connector_id}/statements", json=stated)
        assert taken.status_code == 201, taken.text
    (row,) = await compared(door, connector_id, period)
    assert (row["standing"], row["held"], row["ours"], row["theirs"]) == (
        "accepted",
        True,
        "39",
        "39",
    )
    left = [one["standing"] for one in await compared(door, waiting, period)]
    assert left == ([] if end == "drop" else ["waiting"])
    async with await door.as_("office") as office:
        found = await office.get(f"/plans/{XINMI}/submissions", params={"period": period})
    assert len(found.json()["items"]) == 1
    await door.load(xinmi())
    await door.react()
