"""Xinmi's plan is in the repository as printed, with every open point on what it concerns."""

import re
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from services.core.kit.exact_yaml import read_yaml
from services.core.plan.document import Indicator, Measure, OrganizationEntry, PlanDocument
from services.core.plan.rules import read_document

FILE = Path(__file__).parents[3] / "plans" / "410183-2025.yaml"


@cache
def xinmi() -> PlanDocument:
    return read_document(read_yaml(FILE.read_bytes()))


def indicator(code: str) -> Indicator:
    return next(each for each in xinmi().indicators if each.code == code)


def measure(code: str) -> Measure:
    return next(each for task in xinmi().tasks for each in task.measures if each.code == code)


def organization(code: str) -> OrganizationEntry:
    return next(each for each in xinmi().organizations if each.code == code)


def questions_on(subject: str) -> set[str]:
    return {each.id for each in xinmi().open_questions if subject in each.subjects}


def printed_row(code: str) -> str:
    row = indicator(code)
    baseline = row.baseline.text if row.baseline else ""
    cells = (row.level1, row.level2 or "", row.printed_name, baseline, row.targets[0].text)
    return "|".join((*cells, row.unit, row.owner_text))


def test_the_counts_are_those_of_the_plan() -> None:
    plan = xinmi()
    assert Counter(each.selection for each in plan.indicators) == {
        "mandatory": 24,
        "optional": 22,
        "self_selected": 2,
    }
    assert sum(each.adjusted for each in plan.indicators) == 6
    assert [each.row for each in plan.indicators] == list(range(1, 49))
    assert [task.number for task in plan.tasks] == list(range(1, 22))
    assert sum(len(task.measures) for task in plan.tasks) == 27
    assert len({task.section for task in plan.tasks}) == 6
    assert len(plan.organizations) == 57
    assert Counter(each.group for each in plan.indicators) == {
        "R": 13,
        "U": 10,
        "D": 7,
        "G": 13,
        "P": 3,
        "X": 2,
    }


def test_every_kind_of_target_is_there_as_often_as_printed() -> None:
    assert Counter(target.kind for each in xinmi().indicators for target in each.targets) == {
        "assigned_by_superior": 10,
        "at_least": 26,
        "at_most": 1,
        "full_coverage": 1,
        "more_than": 4,
        "negative_growth": 1,
        "rising": 2,
        "qualitative": 3,
    }


def test_baselines_are_kept_as_printed() -> None:
    baselines = [each.baseline for each in xinmi().indicators if each.baseline]
    assert len(baselines) == 48
    assert {each.year for each in baselines} == {2022}
    missing = [each for each in baselines if each.value is None]
    assert len(missing) == 24
    assert {each.text for each in missing} == {"—"}
    assert all(each.text == str(each.value) for each in baselines if each.value is not None)


@pytest.mark.parametrize(
    ("code", "baseline", "target"),
    [
        ("U03", "94.78", "95"),
        ("U02", None, "40.65"),
        ("R10", "23.47", "23"),
        ("R11", "98", "99.5"),
        ("R07", "-2.4", "18"),
        ("G06", "0.03", None),
        ("R12", "80", "100"),
        ("X02", "1302", None),
    ],
)
def test_numbers_keep_their_digits(code: str, baseline: str | None, target: str | None) -> None:
    row = indicator(code)
    assert row.baseline is not None
    assert row.baseline.value == (None if baseline is None else Decimal(baseline))
    assert row.targets[0].value == (None if target is None else Decimal(target))


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        (
            "R06",
            (
                "固体废物源头减量|工业源头减量|在产大中型露天矿山绿色矿山建成率★*|—|"
                "完成郑州市下达任务|%|市资源规划局"
            ),
        ),
        (
            "R07",
            "固体废物源头减量|工业源头减量|规模以上工业单位增加值能耗下降*|-2.4|18|%|市科工信局",
        ),
        ("R13", "固体废物源头减量|生活领域源头减量|快递绿色包装使用率|—|>95|%|邮政公司"),
        (
            "U06",
            "固体废物资源化利用|农业固体废物资源化利用|农药使用量亩均下降幅度|—|负增长|%|市农委",
        ),
        (
            "G04",
            (
                "保障能力|制度体系建设|“无废城市”建设项目投资总额★|—|满足项目建设需要|亿元|"
                "市发展改革委、市财政局、郑州市生态环境局新密分局、市金融工作服务中心、人民银行新密支行"
            ),
        ),
        (
            "G09",
            (
                "保障能力|监管体系建设|固体废物管理信息化监管情况★|—|"
                "根据郑州市信息化监管系统，完成相关任务|/|"
                "郑州市生态环境局新密分局、市城管局、市农委、市商务局、市卫健委、市住建局"
            ),
        ),
        ("P03", "群众获得感|群众获得感|公众对“无废城市”建设成效的满意程度★|0|90|%|—"),
        ("X02", "自选|固体废物源头减量|可循环快递包装保有量|1302|完成郑州市下达任务|万个|邮政公司"),
    ],
)
def test_a_row_of_the_annex_can_be_put_together_again(code: str, printed: str) -> None:
    assert printed_row(code) == printed


def test_names_are_the_printed_names_without_marks() -> None:
    for row in xinmi().indicators:
        assert row.name == row.printed_name.rstrip("★*")
        assert (row.selection == "mandatory") == ("★" in row.printed_name)
        assert row.adjusted == ("*" in row.printed_name)


def test_the_printed_units_are_the_units_linked() -> None:
    units = {each.code: {each.name, *each.aliases} for each in xinmi().organizations}
    for row in xinmi().indicators:
        names = [] if row.owner_text == "—" else row.owner_text.split("、")
        assert len(names) == len(row.owners)
        for name, code in zip(names, row.owners, strict=True):
            assert name in units[code]
    for task in xinmi().tasks:
        for clause in task.measures:
            names = re.split("[、，及]", clause.responsible_text or "")
            assert [clause.lead_text] == [organization(code).name for code in clause.lead_units]
            for name, code in zip(names, clause.responsible_units, strict=True):
                assert name in units[code]


def test_quotes_are_words_of_their_measures() -> None:
    clauses = [each for task in xinmi().tasks for each in task.measures]
    assert all(target.quote in each.text for each in clauses for target in each.targets)
    assert sum(not each.targets for each in clauses) == 15


def test_organizations_named_twice_appear_once() -> None:
    hills, liuzhai = organization("410183401"), organization("410183107")
    assert (hills.name, "UN28" in hills.aliases) == ("伏羲山管委会", True)
    assert (liuzhai.name, "UN40" in liuzhai.aliases) == ("刘寨镇政府", True)
    assert hills.administrative_code == "410183401000"
    assert "邮政公司" in organization("UN06").aliases


def test_collective_names_and_placeholders_never_submit() -> None:
    silent = {each.code for each in xinmi().organizations if not each.submits}
    assert silent == {"UN02", "UN03", "UN27", "UN32", "UN33", "UN37", "UN38", "UN41"}
    members = {*organization("UN41").members, *organization("UN37").members}
    assert (len(organization("UN41").members), len(organization("UN37").members)) == (13, 4)
    townships = {each.code for each in xinmi().organizations if each.administrative_code}
    assert townships - members == {"410183401"}


def test_somebody_acts_where_no_unit_leads() -> None:
    acting = {each.code: each.acting_owner for each in xinmi().indicators if each.acting_owner}
    assert acting == {
        "P01": "UN04",
        "P02": "UN04",
        "P03": "UN04",
        "G01": "UN04",
        "G02": "UN04",
        "G03": "UN05",
    }


def test_every_open_point_is_there_and_holds_back_what_is_unsafe() -> None:
    questions = xinmi().open_questions
    of_registers = [f"K{number:02}" for number in range(1, 12)]
    assert [each.id for each in questions] == [
        *(f"T{number:02}" for number in range(1, 38)),
        *of_registers,
    ]
    assert {each.id: each.effect for each in questions if each.effect != "none"} == {
        "T01": "no_pace",
        "T07": "no_verdict",
        "T15": "no_pace",
    }
    assert {each.id for each in questions if not each.needs_decision} == {
        *("T14", "T17", "T21", "T22", "T23", "T27", "T30", "T31", "T33"),
        *("T34", "T35", "T36", "T37"),
    }
    assert all(each.text and each.text_en for each in questions)


@pytest.mark.parametrize(
    ("subject", "questions"),
    [
        ("indicator:R07", {"T01", "T12"}),
        ("measure:4.2", {"T01", "T31"}),
        ("indicator:X02", {"T02", "T03", "T22", "T27", "T36"}),
        ("indicator:D01", {"T07", "T12", "T34"}),
        ("indicator:G03", {"T26", "T36", "K02"}),
        ("measure:19.1", {"T27", "T31", "T35"}),
        ("organization:UN27", {"T32"}),
        ("group:G", {"T21"}),
        ("plan", {"T23", "T24", "T30", "T37", "K01", "K11"}),
        ("indicator:R08", set()),
    ],
)
def test_open_points_are_on_what_they_concern(subject: str, questions: set[str]) -> None:
    assert questions_on(subject) == questions


def test_indicators_without_a_measure_say_so() -> None:
    (gap,) = (each for each in xinmi().open_questions if each.id == "T34")
    unlinked = {f"indicator:{each.code}" for each in xinmi().indicators if not each.linked_measures}
    assert set(gap.subjects) == unlinked
    assert len(unlinked) == 19


def test_doubts_about_scope_unit_and_base_year_are_stored() -> None:
    assert indicator("X02").quality_flags == ("suspect_unit",)
    assert "城市建成区" in (indicator("U07").scope or "")
    assert "城区" in (indicator("R11").scope or "")
    assert "城区" in (indicator("U08").scope or "")
    energy, landfill = indicator("R07").formula, indicator("D01").formula
    assert energy is not None
    assert energy.base_year == 2020
    assert landfill is not None
    assert landfill.base_year is None
    assert indicator("D07").aliases == ("污泥无害化处理率",)


def test_targets_in_words_have_levels_with_the_printed_target_on_top() -> None:
    for row in xinmi().indicators:
        assert bool(row.levels) == (row.targets[0].kind == "qualitative")
        assert not row.levels or row.levels[0].points == 100
    assert indicator("G02").levels[0].name == indicator("G02").targets[0].text


def test_what_the_superior_assigns_names_the_superior() -> None:
    assigned = {each.code for each in xinmi().indicators if each.targets[0].assigned_by == "郑州市"}
    awaiting = {"R01", "R02", "R05", "R06", "D06", "G01", "G03", "G06", "G08", "X02"}
    assert assigned == {*awaiting, "G09"}
    assert measure("20.1").targets[0].assigned_by == "郑州市"


def test_conflicting_targets_are_both_there() -> None:
    assert indicator("U03").targets[0].kind == "more_than"
    assert {target.kind for target in measure("14.1").targets} == {"at_least"}
    assert measure("9.1").targets[0].kind == "rising"
    fertiliser = [target for target in measure("15.1").targets if target.indicator is None]
    assert len(fertiliser) == 1
    assert measure("2.1").deadline is None


def test_units_stand_in_the_order_in_which_annex_1_names_them() -> None:
    printed = (
        "市政府办公室、市委宣传部、市公安局、市发展改革委、市教育局、市科工信局、市司法局、市财政局、"
        "市资源规划局、郑州市生态环境局新密分局、市住建局、市交通局、市城管局、市农委、市商务局、"
        "市文广旅体局、市卫健委、市应急局、市市场监管局、市林业局、市统计局、市大数据局、市总工会、"
        "团市委、市金融工作服务中心、市融媒体中心、市机关事务中心、市供销社、市邮政公司"
    )
    units = xinmi().organizations
    names = [one.name for one in units]
    first = names.index("市政府办公室")
    members = printed.split("、")
    assert names[first : first + len(members)] == members
    others = units[first + len(members) :]
    assert [one.administrative_code is not None for one in others[:18]] == [True] * 18
    assert others[18].name == "人民银行新密支行"
