"""The first milestone of every measure, in the plan's own words."""

from datetime import date

import pytest

from services.core.milestones.seeds import Seed, seeds_of
from tests.support.api import xinmi


def test_every_measure_of_xinmi_has_one_of_its_lead_by_the_end_of_the_plan() -> None:
    document = xinmi()
    seeds = {seed.measure_code: seed for seed in seeds_of(document)}
    measures = [measure for task in document.tasks for measure in task.measures]
    assert len(seeds) == len(measures) == 27
    for measure in measures:
        seed = seeds[measure.code]
        assert seed.organization_code == measure.lead_units[0]
        assert seed.deliverable == measure.text
        assert measure.text.startswith(seed.title.rstrip("…"))
        assert len(seed.title) <= 60
    assert {seed.due_date for seed in seeds.values()} == {date(2025, 12, 31)}


def of_first_measure(**changes: object) -> list[Seed]:
    """The seeds of Xinmi's plan when it has its first measure alone, changed so."""
    document = xinmi()
    measure = document.tasks[0].measures[0].model_copy(update=changes)
    task = document.tasks[0].model_copy(update={"measures": (measure,)})
    return seeds_of(document.model_copy(update={"tasks": (task,)}))


def test_a_collective_lead_gives_each_of_its_members_one() -> None:
    members = next(unit.members for unit in xinmi().organizations if unit.code == "UN41")
    seeds = of_first_measure(lead_units=("UN41",))
    assert len(members) == 13
    assert tuple(seed.organization_code for seed in seeds) == members
    beside = of_first_measure(lead_units=("UN22", "UN41", members[0]))
    assert [seed.organization_code for seed in beside] == ["UN22", *members]


def test_without_a_lead_those_who_are_responsible_sign() -> None:
    seeds = of_first_measure(lead_units=(), responsible_units=("UN12", "UN24"))
    assert [seed.organization_code for seed in seeds] == ["UN12"]


def test_a_printed_year_is_a_deadline() -> None:
    (seed,) = of_first_measure(deadline=2023, lead_units=("UN22", "UN24"))
    assert (seed.due_date, seed.organization_code) == (date(2023, 12, 31), "UN22")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("建成 一座。再建一座。", "建成 一座"),
        ("建成一座", "建成一座"),
        ("长" * 60 + "。再", "长" * 60),
        ("长" * 61 + "。再", "长" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_sentence_and_of_sixty_letters_at_most(text: str, title: str) -> None:
    (seed,) = of_first_measure(text=text)
    assert (seed.title, seed.deliverable) == (title, text)
