"""What pages and papers say of one scoreboard is what stands on it."""

from dataclasses import replace
from typing import Any

from services.api.board.leader_reading import read_for_leader
from services.core.identity.actor import operator
from services.core.identity.rules import DEFAULT_SCOPES
from services.core.kit.city_scope import in_city
from tests.support.api import Door
from tests.support.board import a_board_link, browser, words_of
from tests.support.clock import at
from tests.support.doors import after_2031 as door
from tests.support.towns import CODE, UNITS, YEAR, approve, board, decide, load, move, paper, read
from tests.unit.scoring.builders import a_scheme, a_target, an_indicator

__all__ = ["door"]  # fixtures

LEADER = replace(operator("410183"), role="leader", scopes=DEFAULT_SCOPES["leader"])
FIFTY = [a_target(value=50, year=2031)]
A = an_indicator("A", owners=["ZW01"], targets=FIFTY)
B = an_indicator("B", owners=["ZW02"], targets=FIFTY)


async def leaders_page(door: Door) -> str:
    link = await a_board_link(door, CODE)
    async with browser(door) as leader:
        shown = await leader.get(link["path"], follow_redirects=True)
    assert shown.status_code == 200
    return words_of(shown.text)


async def test_deductions_stand_wherever_the_score_and_its_grade_do(door: Door) -> None:
    events = an_indicator(
        "E",
        owners=["ZW01"],
        unit="次",
        plausible={},
        weight=0,
        selection="optional",
        targets=[a_target("at_most", 0, 2031, "0")],
        direction="lower_better",
    )
    rule = {"code": "D1", "name": "环境事件", "kind": "deduction", "indicator": "E"}
    rules: list[dict[str, Any]] = [{**rule, "points": 10, "cap": 30, "text": "每次扣10分"}]
    scheme = a_scheme(grade_by="adjusted_score", adjustments=rules)
    await load(door, A, events, scheme=scheme)
    await move(door, "open")
    await approve(door, "A", "ZW01", value="50")
    await approve(door, "E", "ZW01", value="3")
    overall = (await board(door))["overall"]
    assert (overall["score"], overall["adjusted_display"]) == ("100", "70.00")
    lines = await paper(door)
    said = next(line for line in lines if "综合得分为" in line)
    assert "综合得分为100.00分" in said
    assert "环境事件3次扣30分" in said
    assert "后得分为70.00分" in said
    assert any("扣分、加分另计" in line for line in lines)
    page = await leaders_page(door)
    assert "得分100.00分，扣分、加分后70.00分" in page
    await move(door, "publish")
    published = (await read(door, "publications"))["items"][0]
    table = await read(door, "scoreboard/table", period=YEAR)
    changed = await read(door, "scoreboard/changes", period=YEAR, **{"from": "0"})
    for told in (published, table, changed["to"]):
        assert (told["score"], told["adjusted_score"]) == ("100", "70")
    assert (changed["difference"], changed["adjusted_difference"]) == ("100", "70")


async def test_nothing_rose_from_a_board_without_a_score(door: Door) -> None:
    await load(door, A)
    await move(door, "open")
    assert (await board(door))["overall"]["score"] is None
    at(door, "2032-02-01", "10:00:00")
    await approve(door, "A", "ZW01", value="60")
    page = await leaders_page(door)
    assert "得分100.00分" in page
    assert "上月末尚无得分，无从比较" in page
    assert "比上月末" not in page
    assert "与上月末持平" not in page


async def test_all_that_is_late_is_counted_and_the_gravest_is_named(door: Door) -> None:
    towns = [{"code": f"T{n:02}", "name": f"乡{n:02}", "kind": "town"} for n in range(1, 41)]
    codes = [str(town["code"]) for town in towns]
    shared = [
        an_indicator(code, owners=codes, targets=FIFTY, aggregation={"units": "sum"})
        for code in ("A", "B")
    ]
    early = an_indicator("C", owners=["T40"], targets=FIFTY, frequency="half_yearly")
    await load(door, *shared, early, organizations=towns)
    await move(door, "open", "2031-H1", due_date="2032-01-13")
    await move(door, "open", due_date="2032-02-10")
    at(door, "2032-02-12", "10:00:00")
    await door.sweep()
    listed = (await read(door, "late", page_size=500))["items"]
    assert len(listed) == 81
    page = await leaders_page(door)
    assert "逾期81项，涉及乡40等40个单位，均未承诺完成日期" in page
    assert "以上为最严重的" in page


async def test_a_sum_so_far_is_not_compared_with_a_whole_year(door: Door) -> None:
    cap = an_indicator(
        "A",
        owners=["ZW01"],
        frequency="quarterly",
        unit="万吨",
        targets=[a_target("at_most", 23, 2033, "≤23")],
        direction="lower_better",
        aggregation={"periods": "sum"},
    )
    await load(door, cap, span={"start": "2021-01-01", "end": "2033-12-31"})
    for quarter in range(1, 5):
        await approve(door, "A", "ZW01", f"2031-Q{quarter}", value="6")
    at(door, "2032-07-12", "10:00:00")
    await door.sweep()
    for quarter in range(1, 3):
        await approve(door, "A", "ZW01", f"2032-Q{quarter}", value="5")
    for kind, about in (
        ("bulletin", {}),
        ("special", {"about": {"kind": "indicator", "id": "A"}}),
    ):
        lines = await paper(door, kind, period="2032", **about)
        assert not [line for line in lines if line.startswith(("增长", "下降"))], kind
        assert not [line for line in lines if "较2031年" in line], kind
        assert [line for line in lines if "累计数月数不同的" in line], kind
    quarters = await paper(door, period="2032-Q2")
    assert "下降16.67%" in quarters, "a quarter is compared with the same of last year"


async def test_falsified_data_are_not_praised(door: Door) -> None:
    await load(door, A, B)
    await approve(door, "B", "ZW02", value="60")
    await decide(door, await approve(door, "A", "ZW01", value="90"), "falsify", reason="虚报")
    ranked = await read(door, "rankings", period=YEAR, group="lead")
    assert [one["organization_code"] for one in ranked["items"]] == ["ZW02"]
    assert [(one["organization_code"], one["reason_code"]) for one in ranked["not_ranked"]] == [
        ("ZW01", "data_falsified")
    ]
    lines = await paper(door)
    praised = "".join(
        line for line in lines if line.startswith(("达到目标的指标", "牵头单位按所负责"))
    )
    assert "指标B" in praised
    assert "镇2" in praised
    assert "指标A" not in praised
    assert "镇1" not in praised
    assert "达到目标1项" in "".join(lines)
    assert "2项指标中达到目标1项" in await leaders_page(door)
    assert "数据虚假" in await paper(door, "self_assessment")


async def test_the_legends_say_what_the_lights_are(door: Door) -> None:
    await load(door, A)
    await move(door, "open")
    at(door, "2032-02-12", "10:00:00")
    await door.sweep()
    (row,) = (await board(door))["indicators"]
    assert (row["state"], row["light"]) == ("missing", "grey")
    for legend in (await leaders_page(door), "".join(await paper(door))):
        red = legend.split("劣于现状值")[1].split("；")[0]
        assert "逾期" not in red
        assert "数据（含逾期未报）" in legend


async def test_the_page_of_a_period_tells_how_well_that_was_reported(door: Door) -> None:
    towns = [
        {**one, "administrative_code": f"41018310{number}"} for number, one in enumerate(UNITS)
    ]
    targets = [a_target(value=50, year=2030), *FIFTY]
    both = [an_indicator(code, owners=["ZW01"], targets=targets) for code in ("A", "B")]
    await load(door, *both, organizations=towns)
    for year in ("2030", YEAR):
        await move(door, "open", year, due_date="2032-01-20")
    for code in ("A", "B"):
        await approve(door, code, "ZW01", value="50")
    await approve(door, "A", "ZW01", "2030", value="50")
    at(door, "2032-02-01", "10:00:00")
    await door.sweep()
    shown = {}
    for year in ("2030", YEAR):
        ranked = await read(door, "rankings/reporting", group="township", period=year)
        (shown[year],) = [one["display"] for one in ranked["items"]]
    assert shown["2030"] != shown[YEAR]
    with in_city("410183"):
        async with door.held.reads.sessions() as session:
            plan = await door.held.plans.of_city("410183", CODE, session)
            asked = plan.period_calendar.period(YEAR)
            told = await read_for_leader(session, LEADER, plan, asked, door.held.clock)
    assert told.reporting is not None
    assert [one["display"] for one in told.reporting["items"]] == [shown[YEAR]]


async def test_a_board_is_told_in_the_words_of_the_version_that_drew_it(door: Door) -> None:
    await load(door, A, B)
    await move(door, "open")
    await approve(door, "A", "ZW01", value="20")
    await move(door, "close")
    async with await door.as_("office") as office:
        done = await office.post(f"/plans/{CODE}/periods/{YEAR}/publish")
        assert done.status_code == 200, done.text
    await door.sweep()
    later = {**A, "owners": ["ZW03"], "name": "新名", "printed_name": "新名★"}
    lights = {"lights": {"green_pace": 1, "yellow_pace": "0.5"}}
    await load(door, later, scheme=a_scheme(**lights))
    page = await leaders_page(door)
    assert "指标A★" in page
    assert "新名" not in page
    assert "指标B★" in page
    assert "镇3" not in page, "who leads it now led nothing of that"
    assert "0.8" in page
    lines = await paper(door)
    assert any("牵头单位：镇1" in line for line in lines)


async def test_the_cap_of_a_grade_names_indicators_and_the_sentence_its_period(door: Door) -> None:
    rows = [
        an_indicator(f"M{number}", printed_name=f"必{number}★", owners=["ZW01"], targets=FIFTY)
        for number in range(7)
    ]
    await load(door, *rows)
    await move(door, "open")
    for row in rows:
        await approve(door, row["code"], "ZW01", value="10")
    page = await leaders_page(door)
    named = "、".join(f"必{number}★" for number in range(5))
    assert f"必选指标未达标（{named}等7项）" in page
    assert "M0" not in page, "no page tells codes"
    assert "新密市2031年“无废城市”建设得分" in page
    assert "2031期" not in page
