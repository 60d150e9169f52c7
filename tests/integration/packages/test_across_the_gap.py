"""Figures carried by hand between installations: lost, doubled, altered files are told."""

import asyncio
from random import Random

import pytest

from services.core.kit.errors import InvalidInput
from services.core.packages.container import NotCarried
from services.core.packages.errors import PackageRefused
from services.core.packages.manifests import opened
from services.core.packages.service import locked_peer
from tests.support.packages import (
    HERE,
    SECRET,
    THERE,
    Gap,
    a_series,
)
from tests.support.reports import places
from tests.unit.scoring.builders import CITY, PLAN


async def test_what_was_approved_arrives_to_be_reviewed_and_its_receipt_closes(gap: Gap) -> None:
    first, second = places(2)
    await gap.here.approve(first, second)
    made = await gap.here.export()
    assert made is not None
    assert (made.manifest.number, made.manifest.items) == (1, 2)
    assert await gap.here.export() is None, "nothing is new"
    taken = await gap.there.take(made.content)
    assert (taken.counts["created"], taken.counts["refused"]) == (2, 0)
    assert await gap.there.values() == dict.fromkeys((first, second), ("12.5", "submitted", 1))
    assert taken.receipt is not None
    closed = await gap.here.close(taken.receipt[1])
    assert (closed.number, closed.counts["created"], closed.again) == (1, 2, False)
    assert (await gap.here.close(taken.receipt[1])).again
    kept = await gap.here.database.pool.fetchrow(
        "SELECT content, settled_at FROM carried_package WHERE city_code = $1", CITY
    )
    assert (kept["content"], kept["settled_at"] is None) == (None, False)
    again = await gap.there.take(made.content)
    assert (again.judged.verdict, again.receipt) == ("repeated", taken.receipt)


async def test_what_was_made_and_not_written_comes_first_and_again_until_it_is_written(
    gap: Gap,
) -> None:
    first, second = places(2)
    await gap.here.approve(first)
    tries = [await gap.here.to_write() for _ in range(2)]
    await gap.here.approve(second)
    tries.append(await gap.here.to_write(written=True))
    assert [one and one.number for one in tries] == [1, 1, 1]
    assert len({one.content for one in tries if one is not None}) == 1
    last = await gap.here.to_write(written=True)
    assert last is not None
    assert (last.number, last.items) == (2, 1)
    assert await gap.here.to_write() is None


async def test_packages_cover_the_log_without_a_gap_whatever_is_not_for_them(gap: Gap) -> None:
    made = []
    for place in places(3):
        await gap.here.approve(place, type_="submission.submitted")
        assert await gap.here.export() is None
        await gap.here.approve(place)
        made.append(await gap.here.export())
    covers = [(one.manifest.after_position, one.manifest.upto_position) for one in made if one]
    assert covers[0][0] == 0
    assert [after for after, _ in covers[1:]] == [upto for _, upto in covers[:-1]]


async def test_a_correction_follows_and_what_is_false_is_taken_back(gap: Gap) -> None:
    (place,) = places(1)
    await gap.here.approve(place)
    first = await gap.here.export()
    await gap.here.approve(place, value="13")
    second = await gap.here.export()
    await gap.here.approve(place, falsified=True, type_="submission.falsified")
    third = await gap.here.export()
    assert first is not None and second is not None and third is not None  # noqa: PT018
    assert (await gap.there.take(first.content)).counts["created"] == 1
    later = await gap.there.take(second.content)
    assert later.counts["refused"] == 1, "it is under review there with another content"
    assert "transition-refused" in later.refused[0]
    assert (await gap.there.take(third.content)).counts["deleted"] == 1
    assert (await gap.there.values())[place][1] == "withdrawn"


async def test_one_lost_one_doubled_one_altered_are_told_and_nothing_is_applied_twice(
    gap: Gap,
) -> None:
    made = await gap.carried(4)
    altered = bytearray(made[2].content)
    altered[-200] ^= 1
    receipts = [(await gap.there.take(made[0].content)).receipt]
    before = await gap.there.counted()
    doubled = await gap.there.take(made[0].content)
    assert doubled.judged.verdict == "repeated"
    lost = await gap.there.take(made[3].content)
    assert (lost.judged.verdict, list(lost.judged.missing)) == ("gap", [2, 3])
    with pytest.raises(NotCarried):
        opened(bytes(altered))
    assert await gap.there.counted() == before
    receipts += [(await gap.there.take(one.content)).receipt for one in made[1:]]
    assert {value[2] for value in (await gap.there.values()).values()} == {1}
    assert [(await gap.here.close(one[1])).number for one in receipts if one] == [1, 2, 3, 4]
    still_open = "SELECT count(*) FROM carried_package WHERE city_code = $1 AND receipt IS NULL"
    assert await gap.here.database.pool.fetchval(still_open, CITY) == 0


@pytest.mark.parametrize("seed", range(4))
async def test_in_any_order_doubled_lost_or_altered_each_figure_is_written_once(
    gap: Gap, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 (only the order of files hangs on it)
    made = await gap.carried(4)
    carried = chance.sample([*made, *made, *made], k=chance.randint(6, 12))
    taken: list[int] = []
    for one in carried:
        content = bytearray(one.content)
        if chance.random() < 0.2:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            # An altered byte is found in the file itself, or by the signatures.
            with pytest.raises((NotCarried, PackageRefused)):
                await gap.there.take(bytes(content))
            continue
        number, before = one.manifest.number, await gap.there.counted()
        found = (await gap.there.take(one.content)).judged
        if number == len(taken) + 1:
            assert found.verdict == "next"
            taken.append(number)
            continue
        assert await gap.there.counted() == before
        assert found.verdict == ("repeated" if number in taken else "gap")
        assert list(found.missing) == list(range(len(taken) + 1, number))
    assert {value[2] for value in (await gap.there.values()).values()} <= {1}
    assert len(await gap.there.values()) == len(taken)


async def test_two_at_once_take_a_package_in_once(gap: Gap) -> None:
    (made,) = await gap.carried(1)
    taken = await asyncio.gather(*(gap.there.take(made.content) for _ in range(3)))
    assert sorted(one.judged.verdict for one in taken) == ["next", "repeated", "repeated"]
    assert {one.receipt for one in taken} == {taken[0].receipt}


async def test_who_is_not_meant_takes_nothing_in_and_what_is_no_figure_is_refused(gap: Gap) -> None:
    (made,) = await gap.carried(1)
    with pytest.raises(PackageRefused) as told:
        await gap.here.take(made.content)
    assert "no xinmi is registered" in str(told.value)
    await gap.there.database.pool.execute(
        "UPDATE package_peer SET own_code = 'kaifeng' WHERE city_code = $1", CITY
    )
    with pytest.raises(PackageRefused) as told:
        await gap.there.take(made.content)
    assert "it is for zhengzhou, and we are kaifeng" in str(told.value)
    await gap.there.know(HERE)
    (strange,) = a_series(1)
    taken = await gap.there.take(strange.content)
    assert (taken.counts["refused"], await gap.there.values()) == (3, {})
    assert any("missing" in line for line in taken.refused)


async def test_a_receipt_of_another_file_or_of_nothing_closes_nothing(gap: Gap) -> None:
    made = await gap.carried(2)
    taken = [await gap.there.take(one.content) for one in made]
    receipts = [one.receipt[1] for one in taken if one.receipt is not None]
    with pytest.raises(PackageRefused) as told:
        await gap.here.close(made[0].content)
    assert "It is a package" in str(told.value)
    await gap.here.database.pool.execute(
        "UPDATE carried_package SET digest = repeat('0', 64) WHERE number = 1 AND city_code = $1",
        CITY,
    )
    with pytest.raises(PackageRefused) as told:
        await gap.here.close(receipts[0])
    assert "another file of number 1" in str(told.value)
    await gap.here.database.pool.execute(
        "DELETE FROM carried_package WHERE number = 2 AND city_code = $1", CITY
    )
    with pytest.raises(PackageRefused) as told:
        await gap.here.close(receipts[1])
    assert "no number 2 was sent" in str(told.value)


async def test_every_fault_of_a_registration_is_told(gap: Gap) -> None:
    with pytest.raises(InvalidInput) as told:
        await gap.here.know(THERE, secret="whsec_short", public_keys=("x", "whpk_"))
    assert {fault.pointer for fault in told.value.faults} == {
        "/secret",
        "/public_keys/0",
        "/public_keys/1",
    }
    async with gap.here.database.transaction() as session:
        with pytest.raises(PackageRefused):
            await locked_peer(session, CITY, PLAN, "nobody")


async def test_without_the_shared_secret_or_a_known_key_nothing_is_taken_in(gap: Gap) -> None:
    (made,) = await gap.carried(1)
    other = type(SECRET)("v1", b"another secret of two people")
    await gap.there.know(HERE, secret=other.text)
    with pytest.raises(PackageRefused) as told:
        await gap.there.take(made.content)
    assert "shared secret" in str(told.value)
    await gap.there.know(HERE, secret=SECRET.text, public_keys=(str(_stranger()),))
    with pytest.raises(PackageRefused) as told:
        await gap.there.take(made.content)
    assert "public key" in str(told.value)
    assert await gap.there.values() == {}


def _stranger() -> str | None:
    return type(SECRET)("v1a", b"s" * 32).public_text
