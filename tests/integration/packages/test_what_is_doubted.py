"""A receipt says of what was taken in that it cannot count, as the batch does."""

from services.core.packages.carried_items import answers_in
from services.core.packages.manifests import opened
from tests.support.packages import Gap
from tests.support.reports import Place

OWN: Place = ("R01", "UN01", "2025")
ANOTHER: Place = ("R01", "UN02", "2025")


async def test_what_cannot_count_is_told_on_both_sides(gap: Gap) -> None:
    await gap.here.approve(OWN, ANOTHER)
    made = await gap.here.export()
    assert made is not None
    taken = await gap.there.take(made.content)
    assert (taken.counts["created"], taken.refused) == (2, [])
    assert ["another-units-indicator" in line for line in taken.warned] == [True]
    assert taken.receipt is not None
    answers = answers_in(opened(taken.receipt[1]).lines)
    warned = {one.organization_code: [each.code for each in one.warnings] for one in answers}
    assert warned == {"UN01": [], "UN02": ["another-units-indicator"]}
    closed = await gap.here.close(taken.receipt[1])
    assert (closed.warned, closed.refused) == (taken.warned, [])
