"""A superior's secret that is changed while reports go on, and a connector that ends."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.core.connectors import following
from services.core.connectors.dispatch import ClaimedBatch, claim_batches
from services.core.connectors.queries import connector_for_update
from services.core.connectors.retention import follow_date
from services.core.connectors.service import end_connector
from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.kit.city_scope import in_city
from services.core.kit.one_connection import unit_of_work
from services.worker.sender import Sender
from tests.support.planted import SEAL
from tests.support.reports import Place, Reports, places
from tests.support.superior import SECRET, a_superior
from tests.unit.scoring.builders import CITY

NEW = "a-secret-that-was-handed-out-anew"
DAY = timedelta(days=1)
ONE: Place = ("R01", "UN01", "2025")
_END_OVERLAP = "UPDATE connector SET former_secret_expires_at = now() - interval '1 second'"
_GOOD = """
SELECT former_secret_sealed IS NOT NULL AS kept, former_secret_expires_at > now() AS good
FROM connector
"""


async def test_nothing_waits_for_a_superior_that_changes_over_later(
    reports: Reports, sender: Sender
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, NEW, DAY)
        await reports.approve(*places(3))
        await reports.turn(sender)
        assert superior.refused_signatures == 1, "the new one is tried first"
        assert await reports.states() == {"accepted": 3}
        assert (await reports.connector_row(connector_id)).consecutive_failures == 0
        superior.secret = NEW.encode()
        await reports.approve(*places(6)[3:])
        await reports.turn(sender)
        assert superior.refused_signatures == 2, "the one that was taken last goes first"
    assert await reports.states() == {"accepted": 6}
    assert len(await reports.rows("SELECT id FROM connector_batch WHERE kind = 'report'")) == 2


async def test_a_secret_that_is_refused_is_told_once_and_tried_once_an_hour(
    reports: Reports, sender: Sender
) -> None:
    every = places(8)
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address, batch_size=2)
        await reports.rotate(connector_id, NEW, DAY)
        await reports.approve(*every[:6])
        for refused, accepted in ((1, 2), (1, 4), (2, 6)):
            if refused == 2:
                await reports.rows("UPDATE connector SET secret_refused_at = now() - interval '1h'")
            await reports.turn(sender)
            assert superior.refused_signatures == refused
            assert await reports.states() == Counter(
                {"accepted": accepted, "pending": 6 - accepted} if accepted < 6 else {"accepted": 6}
            )
        row = await reports.connector_row(connector_id)
        (told,) = await reports.happened("connector.secret_refused")
        assert row.secret_refused_since is not None
        assert datetime.fromisoformat(told["refused_since"]) == row.secret_refused_since
        superior.secret = NEW.encode()
        await reports.approve(*every[6:])
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 8}
    row = await reports.connector_row(connector_id)
    assert (row.secret_refused_since, row.secret_refused_at) == (None, None)


async def test_a_refused_secret_is_replaced_and_the_one_that_is_taken_goes_on(
    reports: Reports, sender: Sender
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, "mistyped", DAY)
        await reports.approve(*places(1))
        await reports.turn(sender)
        for again, number in (("mistyped-again", 2), (NEW, 3)):
            before = await reports.connector_row(connector_id)
            assert before.secret_refused_since is not None
            await reports.rotate(connector_id, again, 2 * DAY)
            row = await reports.connector_row(connector_id)
            assert (row.secret_refused_since, row.secret_refused_at) == (None, None)
            assert row.former_secret_sealed == before.former_secret_sealed
            assert row.secret_sealed != before.secret_sealed
            assert row.former_secret_expires_at is not None
            assert row.former_secret_expires_at > reports.clock.true_now() + DAY
            await reports.approve(places(number)[-1])
            await reports.turn(sender)
            assert await reports.states() == {"accepted": number}
        superior.secret = NEW.encode()
        await reports.approve(places(4)[-1])
        await reports.turn(sender)
    assert await reports.states() == {"accepted": 4}
    row = await reports.connector_row(connector_id)
    assert (row.secret_refused_since, row.secret_refused_at) == (None, None)


@pytest.mark.parametrize("over", ["none", "ended"])
async def test_a_former_secret_ends_where_that_is_asked_or_it_ended_before(
    reports: Reports, sender: Sender, over: str
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, "mistyped", DAY)
        await reports.approve(ONE)
        await reports.turn(sender)
    refused = (await reports.connector_row(connector_id)).secret_sealed
    if over == "ended":
        await reports.rows(_END_OVERLAP)
    await reports.rotate(connector_id, NEW, timedelta() if over == "none" else DAY)
    row = await reports.connector_row(connector_id)
    assert row.former_secret_sealed == (None if over == "none" else refused)
    assert row.secret_refused_since is None


async def test_a_secret_that_is_given_for_good_leaves_no_word_of_the_refused_one(
    reports: Reports, sender: Sender
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, "mistyped", DAY)
        await reports.approve(ONE)
        await reports.turn(sender)
        assert (await reports.connector_row(connector_id)).secret_refused_since is not None
        await reports.edit(connector_id, secret=SECRET)
    row = await reports.connector_row(connector_id)
    assert (row.secret_refused_since, row.secret_refused_at) == (None, None)
    assert (row.former_secret_sealed, row.former_secret_expires_at) == (None, None)


async def test_what_is_learned_after_the_overlap_says_nothing_of_a_former_secret(
    reports: Reports, sender: Sender
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, NEW, DAY)
        await reports.approve(ONE)
        (batch,) = await _claimed(reports)
        await reports.rows(_END_OVERLAP)
        async with reports.database.transaction() as session:
            await follow_date(session, CITY, reports.clock)
        worker = reports.worker(sender)
        with in_city(CITY):
            worker._begin(batch)
            await worker.rest()
        assert superior.refused_signatures == 1
    assert await reports.states() == {"accepted": 1}
    row = await reports.connector_row(connector_id)
    assert (row.secret_refused_since, row.secret_refused_at) == (None, None)
    assert await reports.happened("connector.secret_refused") == []


async def test_what_was_signed_before_a_secret_was_given_says_nothing_of_it(
    reports: Reports, sender: Sender
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, "mistyped", DAY)
        await reports.approve(ONE)
        (batch,) = await _claimed(reports)
        await reports.rotate(connector_id, SECRET, DAY)
        worker = reports.worker(sender)
        with in_city(CITY):
            worker._begin(batch)
            await worker.rest()
    assert await reports.states() == {"accepted": 1}
    assert (await reports.connector_row(connector_id)).secret_refused_since is None
    assert await reports.happened("connector.secret_refused") == []


@pytest.mark.parametrize("over", ["none", "ended", "replaced"])
async def test_a_secret_that_is_good_no_more_signs_nothing(
    reports: Reports, sender: Sender, over: str
) -> None:
    with a_superior(secret=SECRET) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, NEW, timedelta() if over == "none" else DAY)
        if over == "replaced":
            await reports.rotate(connector_id, f"{NEW}-again", DAY)
        if over == "ended":
            await reports.rows(_END_OVERLAP)
        await reports.approve(ONE)
        await reports.turn(sender)
        assert superior.requests == []
        assert superior.refused_signatures == (2 if over == "replaced" else 1)
    assert await reports.states() == {"pending": 1}
    async with reports.database.transaction() as session:
        await follow_date(session, CITY, reports.clock)
    (row,) = await reports.rows(_GOOD)
    assert (row.kept, row.good) == ((True, True) if over == "replaced" else (False, None))


async def test_what_is_refused_otherwise_is_not_sent_by_the_former_secret(
    reports: Reports, sender: Sender
) -> None:
    with a_superior("denies", secret=NEW) as superior:
        connector_id = await reports.connector(superior.address)
        await reports.rotate(connector_id, NEW, DAY)
        await reports.approve(ONE)
        await reports.turn(sender)
        assert superior.refused_signatures == 0
    assert await reports.states() == {"pending": 1}


async def test_what_waits_ends_with_its_connector_and_what_was_reported_stays(
    reports: Reports, sender: Sender
) -> None:
    await reports.approve(*places(4))
    with a_superior("silent") as superior:
        connector_id = await reports.connector(superior.address, batch_size=2)
        await reports.turn(sender)
        assert await reports.states() == {"unknown": 2, "pending": 2}
        await reports.end(connector_id)
        await reports.end(connector_id)
        asked = len(superior.requests)
        await reports.approve(*places(5))
        await reports.turn(sender, times=2)
        assert len(superior.requests) == asked
    assert await reports.states() == {"failed": 2, "superseded": 2}
    row = await reports.connector_row(connector_id)
    assert (row.state, row.url_shown) == ("disabled", f"{superior.address}/report")
    assert SEAL.unseal(row.url_sealed, f"connector.url {row.id}") == b""
    assert (row.secret_sealed, row.receipts_url_sealed, row.tested_at) == (None, None, None)
    told = [one["change"] for one in await reports.happened("connector.changed")]
    assert told.count("ended") == 1


async def test_what_is_queued_while_a_connector_ends_leaves_with_it(reports: Reports) -> None:
    connector_id = await reports.connector("http://127.0.0.1:1")
    for one in places(2):
        await reports.write(one, value="1", falsified=False, type_="submission.approved")
    async with reports.database.transaction() as session:
        while await number_committed(session, CITY):
            pass
    desk = await reports.desk()
    async with reports.database.transaction() as queueing:
        assert await follow(queueing, CITY, following.FOLLOWER, reports.clock) is not None
        # Ended by somebody else meanwhile.
        with unit_of_work():
            async with reports.database.transaction() as ending:
                row = await connector_for_update(ending, CITY, connector_id)
                assert row is not None
                await end_connector(ending, row, desk=desk)
    assert await reports.states() == {"pending": 2}
    await reports.follow()
    assert await reports.states() == {"superseded": 2}


async def test_a_receipt_that_comes_after_the_end_is_kept(reports: Reports, sender: Sender) -> None:
    await reports.approve(ONE)
    with a_superior() as superior:
        connector_id = await reports.connector(superior.address)
        (batch,) = await _claimed(reports)
        await reports.end(connector_id)
        assert await reports.states() == {"failed": 1}
        worker = reports.worker(sender)
        with in_city(CITY):
            worker._begin(batch)
            await worker.rest()
    assert await reports.states() == {"accepted": 1}
    assert (await reports.connector_row(connector_id)).state == "disabled"


async def _claimed(reports: Reports) -> list[ClaimedBatch]:
    async with reports.database.transaction() as session:
        return await claim_batches(session, CITY, seal=SEAL, lease_seconds=60)
