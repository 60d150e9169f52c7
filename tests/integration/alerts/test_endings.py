"""How an alert ends: once, with the reason, told to whoever was told; a new date begins anew."""

from datetime import date
from typing import Any

import pytest

from services.core.alerts.rule_set import default_rules
from tests.integration.alerts.watch import LEAD, OFFICE, UNIT, Watch
from tests.unit.scoring.builders import CITY, PLAN


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "closed", "grade": "pass"}, "done"),
        ({"state": "cancelled"}, "cancelled"),
        ({"due_date": "2026-11-20", "epoch": 2}, "extended"),
        ({"due_date": "2026-10-09", "epoch": 2}, "rescheduled"),
    ],
)
async def test_a_milestones_alert_ends_once_with_its_reason(
    watch: Watch, change: dict[str, str], reason: str
) -> None:
    milestone = await watch.milestone("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    await watch.change("milestone", milestone, **change)
    for _ in range(3):
        await watch.look("2026-10-10", "23:00")
    (told,) = await watch.told()
    assert (told.type, told.unit, told.data["reason"]) == ("alert.resolved", UNIT, reason)
    assert (told.data["seq"], told.data["epoch"], told.data["stage"]) == (2, 1, "T-1")
    assert (await watch.alerts("state, resolved_reason"))[0] == ("resolved", reason)


async def test_what_was_never_told_ends_without_a_word(watch: Watch) -> None:
    early = await watch.milestone("2026-10-12")
    parent = await watch.milestone("2026-09-25")
    await watch.look("2026-09-07")
    await watch.change("milestone", early, state="closed", grade="pass")
    await watch.look("2026-09-28")
    muted = await watch.milestone("2026-10-12", parent_id=parent)
    await watch.look("2026-10-10")
    await watch.told()
    await watch.change("milestone", muted, state="closed", grade="pass")
    await watch.look("2026-10-10", "11:00")
    assert await watch.told() == []


async def test_an_extension_begins_a_new_epoch_at_the_right_stage(watch: Watch) -> None:
    milestone = await watch.milestone("2026-09-25")
    await watch.look("2026-09-24")
    await watch.look("2026-09-30")
    assert [told.short[:2] for told in await watch.told()] == [
        ("raised", "T0"),  # the due day is one of rest: what it would be told comes before it
        ("escalated", "O+3"),
    ]
    await watch.change("milestone", milestone, due_date="2026-10-12", epoch=2, extensions=1)
    await watch.look("2026-09-30", "15:00")
    resolved, digest = sorted(await watch.told(), key=lambda told: told.type, reverse=True)
    assert (resolved.data["reason"], resolved.data["epoch"]) == ("extended", 1)
    (item,) = digest.data["items"]
    assert (item["stage"], item["level"], item["epoch"], item["seq"]) == ("T-7", 0, 2, 1)
    assert item["alert_key"] != resolved.data["alert_key"]
    await watch.look("2026-10-10")
    (told,) = await watch.told()
    assert (told.short, told.data["seq"]) == (("raised", "T-1", 0, 1), 2)


async def test_what_is_reported_complete_rests_until_the_verdict(watch: Watch) -> None:
    milestone = await watch.milestone("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    await watch.change("milestone", milestone, state="completed", answer_by="2026-10-19")
    await watch.look("2026-10-14")
    assert await watch.told() == [], "the unit did its part"
    await watch.look("2026-10-16")
    (told,) = await watch.told()
    assert (told.data["rule"], told.unit) == ("milestone_closure", LEAD)
    await watch.change("milestone", milestone, state="returned", answer_by="2026-10-26")
    await watch.look("2026-10-20")
    told_of = {told.data["rule"]: told.short for told in await watch.told()}
    assert told_of == {
        "milestone_due": ("escalated", "O+3", 0, 2),
        "milestone_closure": ("resolved", "T-1", 0, 1),
    }


@pytest.mark.parametrize("state", ["submitted", "approved", "returned"])
async def test_a_report_handed_in_ends_its_alert(watch: Watch, state: str) -> None:
    await watch.obligation("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    await watch.submission("draft", "2026-10-10")
    await watch.look("2026-10-10", "12:00")
    assert await watch.told() == [], "a draft is nothing handed in"
    await watch.execute("DELETE FROM submission")
    await watch.submission(state, "2026-10-10")
    await watch.look("2026-10-10", "17:00")
    (told,) = [each for each in await watch.told() if each.data["rule"] == "report_due"]
    assert (told.type, told.data["reason"]) == ("alert.resolved", "handed_in")
    assert told.data["title"] == "指标R01 2026-Q3"


async def test_a_report_taken_back_is_owed_again(watch: Watch) -> None:
    await watch.obligation("2026-10-12")
    await watch.look("2026-10-10")
    submission = await watch.submission("submitted", "2026-10-10")
    await watch.look("2026-10-10", "11:00")
    await watch.told()
    await watch.change("submission", submission, state="withdrawn")
    await watch.look("2026-10-10", "12:00")
    assert await watch.told() == [], "this stage was told"
    assert (await watch.alerts("state, notified, reach"))[0] == ("open", False, -1)
    await watch.look("2026-10-13")
    (told,) = await watch.told()
    assert (told.short[1], told.data["seq"]) == ("O+1", 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "waived"}, "waived"),
        ({"epoch": 2, "due_date": "2026-10-30", "extensions": 1}, "extended"),
        ({"epoch": 2, "due_date": "2026-10-30"}, "rescheduled"),
    ],
)
async def test_an_obligation_that_ends(watch: Watch, change: dict[str, Any], reason: str) -> None:
    obligation = await watch.obligation("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    await watch.change("obligation", obligation, **change)
    await watch.look("2026-10-10", "08:00")
    (told,) = await watch.told()
    assert (told.type, told.data["reason"]) == ("alert.resolved", reason)


@pytest.mark.parametrize(
    ("action", "reason"),
    [("extended", "extended"), ("rescheduled", "rescheduled"), ("reopened", "rescheduled")],
)
async def test_a_date_that_a_calendar_moved_was_not_extended(
    watch: Watch, action: str, reason: str
) -> None:
    obligation = await watch.obligation("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    await watch.change("obligation", obligation, epoch=2, due_date="2026-10-30", extensions=1)
    await watch.execute(
        "INSERT INTO obligation_history (city_code, obligation_id, version, action, after, actor,"
        " occurred_at) VALUES (:city, :id, 2, :action, '{}', '{}', now())",
        city=CITY,
        id=obligation,
        action=action,
    )
    await watch.look("2026-10-10", "08:00")
    (told,) = await watch.told()
    assert (told.type, told.data["reason"]) == ("alert.resolved", reason)


async def test_a_closed_period_asks_for_nothing_more(watch: Watch) -> None:
    await watch.obligation("2026-10-12")
    await watch.look("2026-10-14")
    await watch.told()
    await watch.execute(
        "INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at,"
        " version) VALUES ('410183', :plan, '2026-Q3', 'closed', '2026-10-12', now(), 2)",
        plan=PLAN,
    )
    await watch.look("2026-10-14", "12:00")
    (told,) = await watch.told()
    assert told.data["reason"] == "period_closed"


@pytest.mark.parametrize(
    ("state", "period_state", "rest"),
    [
        ("returned", "closed", True),
        ("returned", "published", True),
        ("submitted", "closed", False),
        ("submitted", "published", True),
    ],
)
async def test_nobody_is_asked_for_what_the_state_of_the_period_forbids(
    watch: Watch, state: str, period_state: str, *, rest: bool
) -> None:
    await watch.submission(state, "2026-09-01")
    await watch.look("2026-09-14")
    (asked,) = await watch.told()
    await watch.execute(
        "INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at,"
        " version) VALUES (:city, :plan, '2026-Q3', :state, '2026-10-20', now(), 1)",
        city=CITY,
        plan=PLAN,
        state=period_state,
    )
    await watch.look("2026-09-14", "11:00")
    ended = [(each.type, each.data["reason"]) for each in await watch.told()]
    assert ended == ([("alert.resolved", "period_closed")] if rest else []), asked.data["rule"]


async def test_turns_are_told_to_whose_turn_it_is_and_end_when_taken(watch: Watch) -> None:
    sign = await watch.milestone("2026-12-31", state="assigned", sign_by="2026-10-09")
    review = await watch.submission("submitted", "2026-09-23")
    answer = await watch.submission("returned", "2026-09-23", period="2026-Q2")
    own = await watch.submission(
        "submitted", "2026-09-23", organization_code=LEAD, period="2026-Q1"
    )
    extension = await watch.extension(sign, "2026-10-09")
    await watch.look("2026-09-18")
    await watch.look("2026-10-09")
    told = {
        each.data["subject"]["id"]: (each.data["rule"], each.unit, each.short[1:])
        for each in await watch.told()
    }
    assert told == {
        str(sign): ("milestone_sign", UNIT, ("T0", 0, 1)),
        # Five working days after 09-23 are over on 09-30.
        str(review): ("submission_review", LEAD, ("O+1", 0, 1)),
        str(answer): ("submission_answer", UNIT, ("O+1", 0, 1)),
        str(own): ("submission_review", OFFICE, ("O+1", 0, 1)),
        str(extension): ("extension_decision", OFFICE, ("T-1", 0, 1)),
    }
    await watch.change("milestone", sign, state="accepted")
    for each in (review, own):
        await watch.change("submission", each, state="approved")
    await watch.change("submission", answer, state="submitted")
    await watch.change("extension", extension, state="denied")
    await watch.look("2026-10-09", "12:00")
    ended = [each for each in await watch.told() if each.type == "alert.resolved"]
    assert sorted(each.data["reason"] for each in ended) == [
        "answered",
        "answered",
        "decided",
        "decided",
        "decided",
    ]


async def test_a_turn_whose_days_are_counted_anew_is_the_same_turn(watch: Watch) -> None:
    sign = await watch.milestone(
        "2026-12-31", state="assigned", sign_by="2026-10-09", turn_began=date(2026, 9, 29)
    )
    await watch.look("2026-10-09")
    assert [each.short for each in await watch.told()] == [("raised", "T0", 0, 1)]
    await watch.change("milestone", sign, sign_by="2026-10-12")
    await watch.look("2026-10-09", "12:00")
    await watch.look("2026-10-12")
    assert await watch.told() == []
    await watch.look("2026-10-13")
    assert [each.short[1] for each in await watch.told()] == ["O+1"]


async def test_a_value_reopened_has_its_days_from_the_reopening(watch: Watch) -> None:
    await watch.submission("returned", "2026-03-02", decided_at=None)
    await watch.execute(
        "INSERT INTO submission_history SELECT city_code, submission_id, 9, 'reopened', after,"
        " actor, reason, '2026-10-12T02:00:00Z' FROM submission_history"
    )
    await watch.look("2026-10-16")
    (told,) = await watch.told()
    assert (told.short[1], told.data["due_date"]) == ("T-1", "2026-10-19")


async def test_a_rule_that_is_turned_off_ends_its_alerts(watch: Watch) -> None:
    await watch.milestone("2026-10-12")
    await watch.look("2026-10-10")
    await watch.told()
    rules = (await rule_set(watch))["rules"]
    rules["milestone_due"]["enabled"] = False
    await watch.set_rules(rules=rules)
    await watch.look("2026-10-13")
    (told,) = await watch.told()
    assert told.data["reason"] == "rule_off"
    await watch.set_rules()
    await watch.look("2026-10-13", "11:00")
    (told,) = await watch.told()
    assert told.short == ("raised", "O+1", 0, 1)


async def rule_set(watch: Watch) -> dict[str, dict[str, dict[str, object]]]:
    return default_rules(watch.document).model_dump(mode="json")
