"""What a publication or a changed connector has compared: the figures it concerns, no others."""

from collections.abc import Sequence
from datetime import timedelta

from services.core.connectors.statements import HELD_AT
from services.core.kit.clock import Clock
from tests.support.api import XINMI, Door
from tests.support.connectors import a_connector, approved
from tests.support.statements_counted import statements_of

_LOOKED = "AS w(indicator_code, organization_code, period)"


async def _looks(door: Door) -> int:
    """Return how often figures are looked for while the log is followed."""
    with statements_of(door) as asked:
        await door.react()
    return sum(_LOOKED in one and "submission_history" in one for one in asked)


async def _run(door: Door, period: str, *verbs: str) -> None:
    later = (Clock.true_now() + timedelta(days=30)).date().isoformat()
    async with await door.as_("office") as office:
        for verb in verbs:
            body = {"due_date": later} if verb == "open" else {}
            done = await office.post(f"/plans/{XINMI}/periods/{period}/{verb}", json=body)
            assert done.status_code == 200, done.text


async def _named(door: Door, connector_id: str, name: str, codes: Sequence[str]) -> None:
    path = f"/connectors/{connector_id}"
    async with door.client(door.admin_secret) as admin:
        etag = (await admin.get(path)).headers["ETag"]
        body = {"name": name, "indicator_codes": codes}
        done = await admin.patch(path, json=body, headers={"If-Match": etag})
    assert done.status_code == 200, done.text


async def test_a_publication_concerns_its_period_and_who_reports_published_figures(
    door: Door,
) -> None:
    assert _LOOKED in str(HELD_AT)
    await approved(door, "2024")
    await a_connector(door)
    await door.react()
    await _run(door, "2023", "open")
    await door.react()
    await _run(door, "2023", "close", "publish")
    assert await _looks(door) == 0  # who reports what is approved hears nothing new
    await a_connector(door, name="以发布为准", basis="published")
    await door.react()
    await _run(door, "2022", "open")
    await door.react()
    await _run(door, "2022", "close", "publish")
    assert await _looks(door) == 0  # of 2022 nothing was reported
    await approved(door, "2021")
    await _run(door, "2021", "open")
    await door.react()
    await _run(door, "2021", "close", "publish")
    assert await _looks(door) == 1


async def test_a_changed_connector_has_its_own_indicators_compared_and_those_it_had(
    door: Door,
) -> None:
    await approved(door, "2025-05")
    connector_id = await a_connector(door, name="改名前", indicator_codes=["U01"])
    await door.react()
    await _named(door, connector_id, "改名后", ["U01"])
    assert await _looks(door) == 0  # U08 alone was reported
    await _named(door, connector_id, "改名后", ["U08"])
    assert await _looks(door) == 1
    await _named(door, connector_id, "再改名", ["U01"])
    assert await _looks(door) == 1  # what waits of U08 leaves the queue
