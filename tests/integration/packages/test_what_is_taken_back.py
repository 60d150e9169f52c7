"""What is taken back where it was brought, and what was refused and comes again."""

import pytest

from services.core.kit.ids import new_id
from services.core.packages.service import locked_peer
from services.core.packages.writing import carry_whole
from tests.support.packages import THERE, Gap
from tests.support.reports import places
from tests.unit.scoring.builders import CITY, PLAN


@pytest.mark.parametrize("by", ["the peer", "a clerk"])
async def test_what_somebody_here_wrote_stays(gap: Gap, by: str) -> None:
    (place,) = places(1)
    await gap.here.approve(place)
    first = await gap.here.export()
    assert first is not None
    await gap.there.take(first.content)
    if by == "a clerk":
        await gap.there.database.pool.execute(
            "UPDATE submission SET reported_by = $1 WHERE city_code = $2", new_id(), CITY
        )
    await gap.here.approve(place, falsified=True, type_="submission.falsified")
    second = await gap.here.export()
    assert second is not None
    taken = await gap.there.take(second.content)
    (stands,) = (await gap.there.values()).values()
    if by == "a clerk":
        assert (taken.counts["refused"], stands[1]) == (1, "submitted")
        assert ["not-brought" in one for one in taken.refused] == [True]
    else:
        assert (taken.counts["deleted"], stands[1]) == (1, "withdrawn")


async def test_what_was_refused_is_carried_again_with_all_that_counts(gap: Gap) -> None:
    first, other = places(2)
    await gap.there.approve(first, value="9")
    await gap.here.approve(first, other)
    made = await gap.here.export()
    assert made is not None
    taken = await gap.there.take(made.content)
    assert (taken.counts["refused"], taken.counts["created"]) == (1, 1)
    assert taken.receipt is not None
    await gap.here.close(taken.receipt[1])
    await gap.there.database.pool.execute(
        "UPDATE submission SET state = 'returned' WHERE city_code = $1 AND state = 'approved'", CITY
    )
    assert await gap.here.export() is None, "it was carried"
    async with gap.here.database.transaction() as session:
        await carry_whole(session, await locked_peer(session, CITY, PLAN, THERE), now=gap.here.now)
    again = await gap.here.export()
    assert again is not None
    assert (again.manifest.number, again.manifest.items) == (2, 2)
    taken = await gap.there.take(again.content)
    counts = {name: number for name, number in taken.counts.items() if number}
    assert counts == {"updated": 1, "unchanged": 1}
    assert {value for value, _, _ in (await gap.there.values()).values()} == {"12.5"}
    assert await gap.here.export() is None
