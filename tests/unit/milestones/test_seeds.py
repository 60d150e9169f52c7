"""The first milestone of every measure, in the plan's own words."""

from datetime import date

from services.core.milestones.seeds import seeds_of
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


def test_a_printed_year_is_a_deadline_and_a_collective_name_leads_nothing() -> None:
    document = xinmi()
    first = document.tasks[0].measures[0]
    changed = first.model_copy(update={"deadline": 2023, "lead_units": ("UN41", "UN22")})
    task = document.tasks[0].model_copy(update={"measures": (changed,)})
    (seed,) = seeds_of(document.model_copy(update={"tasks": (task,)}))
    assert (seed.due_date, seed.organization_code) == (date(2023, 12, 31), "UN22")
