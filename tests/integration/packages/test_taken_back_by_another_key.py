"""What an earlier key of the same peer brought is taken back all the same."""

from tests.support.packages import HERE, Gap
from tests.support.reports import places


async def test_a_key_that_was_made_anew_takes_back_what_the_one_before_brought(gap: Gap) -> None:
    (place,) = places(1)
    await gap.here.approve(place)
    first = await gap.here.export()
    assert first is not None
    await gap.there.take(first.content)
    await gap.there.know(HERE)
    await gap.here.approve(place, falsified=True, type_="submission.falsified")
    second = await gap.here.export()
    assert second is not None
    taken = await gap.there.take(second.content)
    assert (taken.counts["deleted"], taken.refused) == (1, [])
    assert (await gap.there.values())[place][1] == "withdrawn"
