"""What counts no more at the sender is taken back where it brought it, and nowhere else."""

import pytest

from services.core.kit.ids import new_id
from tests.support.packages import Gap
from tests.support.reports import places
from tests.unit.scoring.builders import CITY


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
