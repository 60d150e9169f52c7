"""A few seeds of the simulation, and that a seed is played the same way again."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.simulation.play import Play, Played
from tests.simulation.world import Template, opened, prepared
from tests.support.servers import Addresses

SEEDS = (1, 2, 3, 4)
_STEPS, _FEW_STEPS = 120, 60


@pytest.fixture(scope="module")
async def template(addresses: Addresses) -> AsyncIterator[Template]:
    """The ledger that every seed begins with."""
    async with prepared(addresses) as made:
        yield made


async def _played(addresses: Addresses, template: Template, seed: int, steps: int) -> Played:
    async with opened(addresses, template) as world:
        return await Play(world, seed).run(steps)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_law_holds_after_every_move(
    addresses: Addresses,
    template: Template,
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    played = await _played(addresses, template, seed, _STEPS)
    record_property("faults of a simulation", played.faults)


async def test_a_seed_is_played_the_same_way_again(
    addresses: Addresses, template: Template
) -> None:
    first, second = [
        (await _played(addresses, template, seed=5, steps=_FEW_STEPS)).trace for _ in range(2)
    ]
    assert first == second
