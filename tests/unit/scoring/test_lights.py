"""States, pace and lights, each with its reason."""

from datetime import date
from typing import Any

import pytest

from tests.unit.scoring.builders import (
    a_baseline,
    a_scheme,
    a_target,
    a_value,
    an_assignment,
    an_indicator,
    judged,
    not_applicable,
)

OPENED = {"2025": date(2026, 1, 31)}


def moving(target: str, baseline: str, kind: str = "at_least") -> dict[str, Any]:
    return an_indicator(targets=[a_target(kind, target)], baseline=a_baseline(baseline))


@pytest.mark.parametrize(
    ("target", "baseline", "kind", "period", "value", "pace", "light"),
    [
        # The worked examples of reference/indicators-and-scoring.md §4, from 2022 to 2025.
        ("100", "80", "at_least", "2023", "87", "1.05", "green"),
        ("40", "38", "at_least", "2023", "38.5", "0.75", "red"),
        ("23", "23.47", "at_most", "2023", "23.6", "-0.82978723404255319149", "red"),
        ("23", "23.47", "at_most", "2024", "23.2", "0.86170212765957446809", "yellow"),
        ("40", "30", "at_least", "2024", "33", "0.45", "red"),
        ("95", "94.78", "at_least", "2024", "94.9", "0.81818181818181818182", "yellow"),
        ("40", "0", "at_least", "2023-Q3", "14", "1.4", "green"),
    ],
)
def test_pace_and_its_light(
    target: str, baseline: str, kind: str, period: str, value: str, pace: str, light: str
) -> None:
    row = judged(
        moving(target, baseline, kind),
        a_value(value, period),
        period=period,
        today=date(2026, 1, 1),
    )
    assert (row["pace"], row["light"]) == (pace, light)


def test_an_exact_pace_of_one_is_green_though_its_decimal_text_is_below() -> None:
    # A third of the way after a third of the time: 1/3 ÷ 1/3 is 1, not 0.999…
    row = judged(moving("3", "0"), a_value(1, "2023"), period="2023")
    assert (row["pace"], row["light"], row["reason_code"]) == ("1", "green", "on_pace")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("99.9", "进度 0.9990，低于 1.00，不低于 0.80"),
        ("79.999", "进度 0.799990，低于 0.80"),
        ("79.9999999999", "进度 0.799999999999，低于 0.80"),
        ("80", "进度 0.80，低于 1.00，不低于 0.80"),
        ("100.001", "未达到2025年目标（300），进度 1.00，不低于 1.00"),
    ],
)
def test_a_pace_is_not_rounded_across_what_it_is_compared_with(value: str, reason: str) -> None:
    indicator = an_indicator(targets=[a_target(value=300, text="300")], baseline=a_baseline(0))
    assert judged(indicator, a_value(value, "2023"), period="2023")["reason"] == reason


@pytest.mark.parametrize(
    ("indicator", "period", "value", "light", "reason"),
    [
        (moving("95", "90"), "2025", "96", "green", "met"),
        (moving("95", "90"), "2025", "94", "red", "not_met_at_target_date"),
        (moving("95", "90"), "2025-Q4", "94.9", "red", "not_met_at_target_date"),
        (moving("95", "90"), "2025-Q3", "94.9", "green", "on_pace"),
        (moving("95", "90"), "2026", "94", "red", "not_met_at_target_date"),
        (moving("95", "90"), "2023", "89", "red", "worse_than_baseline"),
        (moving("100", "100"), "2023", "99", "red", "hold_fell"),
        (moving("95", "99"), "2023", "94", "red", "hold_fell"),
        (moving("95", "99"), "2023", "97", "green", "met"),
        (an_indicator(), "2023", "94", "grey", "no_baseline"),
        (an_indicator(), "2025", "94", "red", "not_met_at_target_date"),
        (an_indicator(), "2023", "95", "green", "met"),
        (moving("95", "90"), "2022", "93", "grey", "before_baseline"),
        (an_indicator(targets=[a_target("negative_growth", None)]), "2023", "1", "grey",
         "no_pace_for_kind"),
        (an_indicator(targets=[a_target("negative_growth", None)]), "2025", "1", "red",
         "not_met_at_target_date"),
    ],
)  # fmt: skip
def test_every_light_has_its_reason(
    indicator: dict[str, Any], period: str, value: str, light: str, reason: str
) -> None:
    row = judged(indicator, a_value(value, period), period=period, today=date(2027, 1, 1))
    assert (row["light"], row["reason_code"]) == (light, reason)
    assert row["reason"]
    assert row["reason_en"]


def test_provisional_data_turns_green_to_yellow() -> None:
    met = judged(an_indicator(), a_value(96, provisional=1))
    assert (met["light"], met["reason_code"]) == ("yellow", "met_provisional")
    red = judged(an_indicator(), a_value(90, provisional=1))
    assert red["light"] == "red"


def test_falsified_data_are_red_however_good() -> None:
    row = judged(an_indicator(), a_value(99, falsified=1))
    assert (row["light"], row["reason_code"], row["falsified"]) == ("red", "falsified", True)


QUESTION: dict[str, Any] = {"id": "T01", "subjects": ["indicator:R01"], "text": "待核实"}


def test_a_doubted_baseline_gives_no_pace_until_settled() -> None:
    indicator = moving("95", "90")
    plan: dict[str, Any] = {"open_questions": [QUESTION | {"effect": "no_pace"}]}
    asked = judged(indicator, a_value(93, "2023"), period="2023", **plan)
    assert (asked["pace"], asked["light"]) == (None, "grey")
    assert "T01" in asked["reason"]
    settled = judged(indicator, a_value(93, "2023"), period="2023", settled=["T01"], **plan)
    assert settled["light"] == "green"


def test_a_doubted_baseline_holds_nothing_and_falls_back_to_the_completion_rate() -> None:
    row = judged(
        moving("100", "100"),
        a_value(80, "2023"),
        period="2023",
        open_questions=[QUESTION | {"effect": "no_pace"}],
    )
    assert (row["light"], row["attainment"]) == ("grey", "80")


@pytest.mark.parametrize("subject", ["indicator:R01", "group:R", "plan"])
def test_a_question_can_hold_back_the_verdict(subject: str) -> None:
    question = QUESTION | {"effect": "no_verdict", "subjects": [subject]}
    row = judged(an_indicator(), a_value(99), open_questions=[question])
    assert (row["state"], row["met"], row["light"]) == ("not_assessable", None, "grey")
    assert row["value"] == "99"
    settled = judged(an_indicator(), a_value(99), open_questions=[question], settled=["T01"])
    assert settled["met"] is True


@pytest.mark.parametrize(
    ("opened", "today", "state", "attainment"),
    [
        ({}, date(2030, 1, 1), "not_opened", None),
        (OPENED, date(2026, 1, 30), "not_due", None),
        (OPENED, date(2026, 1, 31), "not_due", None),
        (OPENED, date(2026, 2, 1), "missing", "0"),
    ],
)
def test_what_is_not_reported(
    opened: dict[str, date], today: date, state: str, attainment: str | None
) -> None:
    row = judged(an_indicator(), opened=opened, today=today)
    assert (row["state"], row["attainment"], row["light"]) == (state, attainment, "grey")
    assert row["met"] is None


def test_an_annual_indicator_is_never_missing_in_a_quarter() -> None:
    row = judged(
        an_indicator(),
        period="2025-Q1",
        opened={"2025-Q1": date(2025, 4, 15)},
        today=date(2025, 5, 1),
    )
    assert (row["state"], row["reason_code"]) == ("not_due", "less_often")


def test_an_unassigned_target_is_never_missing() -> None:
    indicator = an_indicator(targets=[a_target("assigned_by_superior", None)])
    late: dict[str, Any] = {"opened": OPENED, "today": date(2026, 2, 1)}
    assert judged(indicator, **late)["state"] == "not_assessable"
    given = an_assignment("R01", "at_least", 3)
    assert judged(indicator, assigned=[given], **late)["state"] == "missing"


def test_not_applicable_says_why() -> None:
    row = judged(an_indicator(), not_applicable("辖区没有矿山"), opened=OPENED)
    assert (row["state"], row["light"]) == ("not_applicable", "grey")
    assert "辖区没有矿山" in row["reason"]


def test_a_scheme_may_leave_provisional_data_green() -> None:
    lights = {"green_pace": 1, "yellow_pace": "0.8", "provisional_green_to_yellow": False}
    row = judged(an_indicator(), a_value(96, provisional=1), scheme=a_scheme(lights=lights))
    assert (row["light"], row["reason_code"], row["data_status"]) == (
        "green",
        "met",
        "provisional",
    )


@pytest.mark.parametrize(
    ("indicator", "value", "reason"),
    [
        (moving("95", "90"), "90", "far_behind"),
        (moving("95", "90"), "89.999", "worse_than_baseline"),
        (moving("90", "95", "at_most"), "95", "far_behind"),
        (moving("90", "95", "at_most"), "95.001", "worse_than_baseline"),
        (moving("95", "95"), "95", "met"),
        (moving("95", "95"), "94.999", "hold_fell"),
    ],
)
def test_exactly_at_the_baseline_is_not_worse_than_it(
    indicator: dict[str, Any], value: str, reason: str
) -> None:
    row = judged(indicator, a_value(value, "2023"), period="2023")
    assert row["reason_code"] == reason
