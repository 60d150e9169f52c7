"""What holds a notice back: an acknowledgement, a snooze, the parent's alert; never the top."""

from dataclasses import replace
from datetime import date

import pytest

from services.core.alerts import queries, service
from services.core.alerts.errors import AlertTransitionRefused, TopLevelNotSnoozed
from services.core.alerts.following import rules_of
from services.core.alerts.models import Alert
from services.core.calendars.queries import working_calendar
from services.core.identity.actor import Actor, operator
from services.core.identity.rules import DEFAULT_SCOPES, Role
from services.core.kit.errors import InvalidInput
from services.core.plan.queries import plan_state
from tests.integration.alerts.watch import OFFICE, UNIT, Watch, at
from tests.unit.scoring.builders import CITY, PLAN


def somebody(role: Role = "reporter", unit: str | None = UNIT) -> Actor:
    return replace(operator(CITY), role=role, organization_code=unit, scopes=DEFAULT_SCOPES[role])


async def answer(
    watch: Watch,
    day: str,
    *,
    promised: str | None = None,
    until: str | None = None,
    actor: Actor | None = None,
) -> Alert:
    """Acknowledge the first alert, or snooze it."""
    async with watch.database.transaction() as session:
        plan = await plan_state(session, CITY, PLAN)
        assert plan is not None
        rules, version = await rules_of(session, plan)
        calendar = await working_calendar(session, CITY, "CN")
        (first,) = await queries.page(
            session,
            somebody("office", None),
            plan_code=PLAN,
            filters=queries.AlertFilters(),
            today=date.fromisoformat(day),
            after=None,
            limit=1,
        )
        standing = service.AnswerContext(
            rules, version, calendar, at(day).now(), date.fromisoformat(day)
        )
        who = actor or somebody()
        if until is not None:
            await service.snooze(
                session,
                first,
                standing=standing,
                actor=who,
                until=date.fromisoformat(until),
                reason="设备检修",
            )
        else:
            await service.acknowledge(
                session,
                first,
                standing=standing,
                actor=who,
                note="设备下周到",
                promised_date=date.fromisoformat(promised or day),
            )
        return first


async def test_an_acknowledgement_delays_the_next_notice_by_three_working_days_at_most(
    watch: Watch,
) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-13")
    await watch.told()
    alert = await answer(watch, "2026-10-14", promised="2026-10-30")
    assert alert.hold_until == date(2026, 10, 19)
    (told,) = await watch.told()
    assert (told.type, told.data["promised_date"], told.data["seq"]) == (
        "alert.acknowledged",
        "2026-10-30",
        2,
    )
    for day in ("2026-10-15", "2026-10-16", "2026-10-18"):
        await watch.look(day)
    assert await watch.told() == []
    assert ("O+3", 0, 2, "held") in await watch.notices()
    assert await watch.alerts() == [("O+1", 0, 1, "acknowledged")]
    await watch.look("2026-10-19")
    assert [told.short for told in await watch.told()] == [("escalated", "O+3", 0, 2)]
    assert ("O+3", 0, 2, "given") in await watch.notices()
    assert await watch.alerts() == [("O+3", 0, 2, "open")]


async def test_an_acknowledgement_does_not_stop_the_top_level(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-15")
    await answer(watch, "2026-10-20", promised="2026-10-30")
    await watch.told()
    await watch.look("2026-10-21")
    assert [told.short for told in await watch.told()] == [("escalated", "O+7", 0, 3)]


async def test_a_promise_that_is_over_delays_nothing_more(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-13")
    alert = await answer(watch, "2026-10-14", promised="2026-10-14")
    assert alert.hold_until == date(2026, 10, 15)
    await watch.told()
    await watch.look("2026-10-15")
    assert [told.short for told in await watch.told()] == [("escalated", "O+3", 0, 2)]


async def test_one_acknowledgement_answers_one_notice(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-13")
    await answer(watch, "2026-10-13", promised="2026-10-30")
    with pytest.raises(AlertTransitionRefused) as refused:
        await answer(watch, "2026-10-14", promised="2026-10-30")
    assert refused.value.extra == {"state": "acknowledged", "allowed_actions": ["snooze"]}


async def test_a_units_snooze_ends_on_its_day_and_never_hides_the_top_level(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-13")
    await answer(watch, "2026-10-13", until="2026-10-16")
    assert (await watch.told())[-1].type == "alert.snoozed"
    await watch.look("2026-10-15")
    assert await watch.told() == []
    assert ("O+3", 0, 2, "snoozed") in await watch.notices()
    await watch.look("2026-10-16")
    assert [told.short for told in await watch.told()] == [("escalated", "O+3", 0, 2)]
    await answer(watch, "2026-10-16", until="2026-11-15")
    await watch.told()
    await watch.look("2026-10-21")
    assert [told.short for told in await watch.told()] == [("escalated", "O+7", 0, 3)]
    with pytest.raises(TopLevelNotSnoozed):
        await answer(watch, "2026-10-21", until="2026-10-25")


async def test_the_offices_snooze_holds_the_top_level_too(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-21")
    await answer(watch, "2026-10-21", until="2026-11-02", actor=somebody("office", None))
    await watch.told()
    await watch.look("2026-10-28")
    assert await watch.told() == []
    assert ("O+7", 1, 3, "snoozed") in await watch.notices()
    await watch.look("2026-11-02")
    assert [told.short for told in await watch.told()] == [("raised", "O+7", 1, 3)]


async def test_a_parents_overdue_alert_speaks_for_its_children_of_the_same_unit(
    watch: Watch,
) -> None:
    parent = await watch.milestone("2026-10-09", title="总体")
    await watch.milestone("2026-10-13", title="子项", parent_id=parent)
    await watch.milestone("2026-10-13", title="他项", parent_id=parent, organization_code="UN03")
    await watch.look("2026-09-08")
    await watch.look("2026-10-12")
    told = sorted((each.data["title"], each.data["stage"]) for each in await watch.told())
    assert told[-2:] == [("他项", "T-1"), ("总体", "O+1")]
    assert ("T-1", 0, 1, "muted") in await watch.notices()
    await watch.look("2026-10-14")
    assert [each.data["title"] for each in await watch.told()] == ["总体", "他项"]
    await watch.change("milestone", parent, state="closed", grade="pass")
    await watch.look("2026-10-15")
    told_of = [(each.type, each.data["title"], each.data["stage"]) for each in await watch.told()]
    assert ("alert.raised", "子项", "O+1") in told_of


async def test_a_muted_child_is_heard_at_the_top_level(watch: Watch) -> None:
    parent = await watch.milestone("2026-10-09")
    await watch.milestone("2026-10-12", title="子项", parent_id=parent)
    await watch.look("2026-09-08")
    await watch.look("2026-10-16")
    await watch.told()
    await watch.look("2026-10-21")
    assert ("子项", "O+7") in [
        (each.data["title"], each.data["stage"]) for each in await watch.told()
    ]


async def test_a_parent_that_was_overdue_from_the_start_mutes_nobody(watch: Watch) -> None:
    parent = await watch.milestone("2025-12-31", title="总体")
    await watch.look("2026-10-09")
    assert [each.unit for each in await watch.told()] == [OFFICE]
    await watch.milestone("2026-10-12", title="子项", parent_id=parent)
    await watch.look("2026-10-13")
    assert [each.data["title"] for each in await watch.told() if "title" in each.data] == ["子项"]


async def test_every_decision_keeps_the_rules_and_calendar_it_was_taken_by(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-10")
    await watch.set_rules()
    await watch.announce(2024, date(2024, 3, 4))
    await watch.look("2026-10-12")
    await answer(watch, "2026-10-12", promised="2026-10-13")
    rows = await watch.execute(
        "SELECT action, rules_version, calendar_version, actor->>'kind' FROM alert_history"
        " ORDER BY version"
    )
    assert rows == [
        ("given", 0, 1, "system"),
        ("given", 1, 2, "system"),
        ("acknowledged", 1, 2, "operator"),
    ]
    notices = await watch.execute(
        "SELECT stage, rules_version, calendar_version FROM alert_notice"
        " WHERE outcome = 'given' ORDER BY reach"
    )
    assert notices == [("T-1", 0, 1), ("T0", 1, 2)]


async def test_a_snooze_until_today_or_before_is_none(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-13")
    for day in ("2026-10-12", "2026-10-13"):
        with pytest.raises(InvalidInput) as refused:
            await answer(watch, "2026-10-13", until=day)
        assert [fault.pointer for fault in refused.value.faults] == ["/until"]
    assert (await answer(watch, "2026-10-13", until="2026-10-14")).state == "snoozed"
