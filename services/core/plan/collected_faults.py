"""Collects the faults of a plan document: codes, texts, and the places that they depend on.

`plan.document_faults` decides which faults a document has.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.kit.faults import echo
from services.core.kit.nearest import MOST_COMPARED, with_closest
from services.core.kit.text import Text

FAULT_TEXTS: Mapping[str, Text] = {
    "duplicate-code": Text("此代码已用过", "This code is used already"),
    "repeated-reference": Text("同一列表中重复", "It is in this list already"),
    "alias-collision": Text(
        "此别名与另一单位的代码、名称或别名相同",
        "Another organization has this alias as its code, name or alias",
    ),
    "unknown-group": Text("没有此分组", "There is no such group"),
    "unknown-organization": Text("没有此单位", "There is no such organization"),
    "unknown-indicator": Text("没有此指标", "There is no such indicator"),
    "unknown-measure": Text("没有此措施", "There is no such measure"),
    "unknown-task": Text("没有此任务", "There is no such task"),
    "unknown-grade": Text("没有此等级", "There is no such grade"),
    "unknown-subject": Text(
        "应为 plan，或 indicator:、measure:、task:、organization:、group: 加代码",
        "Must be plan, or indicator:, measure:, task:, organization: or group: and a code",
    ),
    "unknown-column": Text("没有此列", "There is no such column"),
    "key-not-required": Text(
        "主键的列须必填：required 应为 true",
        "A column of the key is filled in: required must be true",
    ),
    "not-a-day": Text("应为 date 类型的列", "Must be a column of the type date"),
    "not-a-day-or-month": Text(
        "应为 date 或 month 类型的列", "Must be a column of the type date or month"
    ),
    "not-a-month": Text("应为 month 类型的列", "Must be a column of the type month"),
    "month-of-no-day": Text("只有 date 类型的列才写 in_month", "Only a date has in_month"),
    "two-reaches": Text(
        "写明 summed_in 的项不写 at；常数项不写 at、summed_in",
        "A term with summed_in has no at, and a constant has neither",
    ),
    "no-month-in-key": Text(
        "回看上月或十二个月的台账，主键须有一个 month 列",
        "A register whose checks look at earlier months has a column of the type month in its key",
    ),
    "key-of-another-register": Text(
        "summed_in 所指台账须有本台账主键的各列：缺 {columns}",
        "The register of summed_in has the columns of this one's key: it lacks {columns}",
    ),
    "sums-in-a-circle": Text(
        "相互求和的台账都无法先确认：至少一项审核关系应为 warn",
        "Registers that are summed up by each other in a circle: none could be confirmed first, so"
        " one of the checks is a warning",
    ),
    "block-without-review": Text(
        "无须确认（review: false）的台账，涉及其他行的审核关系应为 warn",
        "In a register without review a check that looks at other rows is a warning",
    ),
    "choices-required": Text(
        "choice 类型的列须列出 choices", "A column of the type choice lists its choices"
    ),
    "choices-not-expected": Text(
        "只有 choice 类型的列才有 choices", "Only a column of the type choice has choices"
    ),
    "bound-of-no-number": Text(
        "只有 decimal、integer 类型的列才有上下限", "Only a decimal or an integer has bounds"
    ),
    "not-a-number": Text(
        "应为 decimal 或 integer 类型的列", "Must be a column of the type decimal or integer"
    ),
    "unknown-register": Text("没有此台账", "There is no such register"),
    "unknown-choice": Text("此列没有该选项", "The column has no such choice"),
    "cycle-required": Text(
        "须写明多久复核一次（cycle）", "How often rows are looked at again is missing: the cycle"
    ),
    "renewal-without-end": Text(
        "没有失效日期（valid_to）的行无需续期",
        "Rows that hold for ever are not renewed: name the column `valid_to`",
    ),
    "quota-by-no-choice": Text("应为 choice 类型的列", "Must be a column of the type choice"),
    "quota-of-no-count": Text("应为 count 类型的计算项", "Must be a measure of the kind count"),
    "quota-twice": Text("同一年度、类别、单位重复下达", "The same year, category and unit twice"),
    "quota-without-review": Text(
        "无需确认的台账不能拒绝超出名额的行：over 应为 told",
        "In a register without review nothing is refused: `over` must be told",
    ),
    "evidence-without-review": Text(
        "无需确认的台账中，行一经填写即计入，不能要求确认前附佐证材料",
        "In a register without review a row counts as it is written: nothing comes before that",
    ),
    "evidence-of-no-end": Text(
        "该台账的行不以此方式终止：请补入 ends",
        "No row of the register ends like this: name it in `ends`",
    ),
    "condition-of-another-type": Text(
        "此列的类型（{type}）不能用这个条件", "A column of the type {type} takes no such condition"
    ),
    "condition-of-no-period": Text(
        "by_period_end 只用于口径（measures）", "by_period_end is for measures alone"
    ),
    "day-required": Text("此口径须写明 day", "It needs day, the column with a row's day"),
    "day-not-expected": Text("period_end 不写 day", "period_end has no day"),
    "column-required": Text(
        "sum、survey 须写明 column", "A sum and a survey need column, which is added up"
    ),
    "column-not-expected": Text(
        "只有 sum、ratio、survey 才写 column", "Only a sum, a ratio or a survey has column"
    ),
    "denominator-required": Text(
        "ratio、coverage 须写明 denominator", "A ratio and a coverage need a denominator"
    ),
    "denominator-not-expected": Text(
        "count、sum、survey 没有 denominator", "A count, a sum and a survey have no denominator"
    ),
    "coverage-incomplete": Text(
        "coverage 须写明 distinct（一列）与 denominator 的 listed_in、match，且不写 column",
        "A coverage needs distinct (one column), listed_in and match of its denominator, no column",
    ),
    "ratio-of-another-register": Text(
        "ratio 的分母在同一台账内：不写 listed_in、match",
        "A ratio's denominator is in the same register: no listed_in and no match",
    ),
    "distinct-not-expected": Text(
        "只有 count、coverage、不写 column 的 ratio 和写明 day 的 sum 才有 distinct",
        "Only a count, a coverage, a ratio without column and a sum with day have distinct",
    ),
    "coverage-of-the-city": Text("coverage 的 per 应为 city", "A coverage is of the city alone"),
    "several-of-a-unit": Text(
        "该指标由一个单位填报（direct）：per 应为 city",
        "One unit alone reports the indicator (direct): per must be city",
    ),
    "several-of-the-city": Text(
        "该指标由各单位填报：per 应为 unit", "Units report the indicator: per must be unit"
    ),
    "measured-twice": Text(
        "该指标已由另一口径计算", "Another measure proposes the value of this indicator already"
    ),
    "measured-by-level": Text(
        "该指标按等级填报，不能由台账计算", "The indicator is reported by level and not measured"
    ),
    "member-required": Text("{kind} 须写明 {member}", "{kind} needs {member}"),
    "member-not-expected": Text("{kind} 不写 {member}", "{kind} has no {member}"),
    "one-bound-required": Text("least、most 只写一个", "It states one of least and most"),
    "lowest-above-zero": Text(
        "最低分不能大于零，也不能高于满分",
        "The lowest points are 0 or less, and not above the full",
    ),
    "line-without-slope": Text(
        "满分点与零分点不能相同", "Full points and none are not given for the same figure"
    ),
    "bands-on-two-sides": Text(
        "同一列的各档只用 least，或只用 most", "The bands of a route all state least, or all most"
    ),
    "bands-not-best-first": Text(
        "各档应由好到差排列，界限与得分依次变差",
        "Bands are listed best first, each with a worse bound and fewer points than the one before",
    ),
    "colours-not-descending": Text(
        "颜色应由高到低排列，起始分依次递减", "Colours are listed best first, by descending minimum"
    ),
    "sheet-without-points": Text(
        "至少一项（加分项除外）的满分应大于零",
        "At least one item that is no bonus must have full points above zero",
    ),
    "survey-required": Text("survey 须写明 survey", "A measure of the kind survey needs survey"),
    "survey-not-expected": Text("只有 survey 才写 survey", "Only the kind survey has survey"),
    "survey-of-the-city": Text("survey 的 per 应为 city", "A survey is of the city alone"),
    "survey-times": Text("survey 不写 times：结果是占比", "A survey has no times: it is a share"),
    "survey-unchecked": Text(
        "台账的 checks 须有一条 {part} <= {whole}，不允许差",
        "The register needs a check {part} <= {whole} among its checks, without a tolerance",
    ),
    "not-a-count": Text(
        "应为必填（required）且 minimum 不小于 0 的 integer 列",
        "Must be a required column of the type integer whose minimum is 0 or more",
    ),
    "not-a-frame": Text(
        "应为 minimum 大于 0 的 integer 列", "Must be an integer column whose minimum is above 0"
    ),
    "not-a-choice": Text(
        "应为必填（required）的 choice 列", "Must be a required column of the type choice"
    ),
    "words-in-aggregates": Text(
        "只登记合计数的台账（aggregates）没有 {type} 列：不得写入姓名或号码",
        "A register of totals (aggregates) has no column of the type {type}: it would take names"
        " and numbers of persons",
    ),
    "count-without-bounds": Text(
        "只登记合计数的台账（aggregates）中，integer 列的 minimum 须不小于 0，maximum 须不超过"
        " 999999999",
        "In a register of totals (aggregates) an integer has a minimum of 0 or more and a maximum"
        " of at most 999999999",
    ),
    "row-term-of-one": Text(
        "一项应写明 column 或 constant，且只写一个", "A term states one of column and constant"
    ),
    "row-check-of-nothing": Text(
        "至少一项应为 column", "One term at least is a column, or it would never be asked"
    ),
    "check-of-no-text": Text("只有 text 类型的列才有 check", "Only a text has a check"),
    "negative-tolerance": Text("允许的差异不能为负", "A tolerance is not negative"),
    "unknown-time-zone": Text("没有此时区", "There is no such time zone"),
    "code-of-another-city": Text(
        "计划代码应以城市代码开头", "A plan's code begins with the code of its city"
    ),
    "span-order": Text("结束日期早于开始日期", "It ends before it starts"),
    "value-required": Text("此类目标须有数值", "A target of this kind needs a value"),
    "value-not-expected": Text("此类目标没有数值", "A target of this kind has no value"),
    "years-not-ascending": Text(
        "目标时间应依次递增", "Targets are listed by ascending date, one a date"
    ),
    "one-date-required": Text(
        "目标须写明 year、period、by 之一，且只写一个",
        "A target states one of year, period and by",
    ),
    "year-required": Text(
        "上级下达的目标按年份下达：须写明 year", "The superior assigns by year: state year"
    ),
    "upper-required": Text("between 须有 upper（上限）", "between needs upper, its other end"),
    "upper-not-expected": Text("只有 between 才有 upper", "Only between has upper"),
    "conditions-required": Text(
        "all_of、any_of 须列出至少两个 conditions", "all_of and any_of list two conditions or more"
    ),
    "conditions-not-expected": Text(
        "只有 all_of、any_of 才有 conditions", "Only all_of and any_of have conditions"
    ),
    "not-full-coverage": Text(
        "全覆盖即 100；其他数值请用 at_least",
        "Full coverage is 100; use at_least for another number",
    ),
    "kind-not-of-a-unit": Text(
        "单位目标不能是此类型", "The target of a unit cannot be of this kind"
    ),
    "baseline-after-target": Text(
        "现状年份晚于首个目标年份", "The baseline is later than the first target"
    ),
    "direction-contradicts-kind": Text(
        "direction（{direction}）与 {at} 的 kind（{kind}）矛盾：请改其中之一",
        "direction ({direction}) contradicts kind ({kind}) at {at}: change one of them",
    ),
    "level-with-value": Text(
        "没有等级，level_with_value 无意义", "level_with_value needs levels to stand beside"
    ),
    "part-of-a-part": Text(
        "part_of 应为同组的指标，且其本身不是分项",
        "part_of names an indicator of the same group that is no part itself",
    ),
    "adjustment-by-level": Text(
        "该指标按等级填报，没有次数", "The indicator is reported by level and counts nothing"
    ),
    "repeated-name": Text("另一单位已用此名称", "Another organization has this name"),
    "no-such-day": Text("没有这一天", "There is no such day"),
    "no-unit": Text(
        "须有牵头单位或责任单位", "It needs units that lead it or are responsible for it"
    ),
    "levels-required": Text("定性指标须列出等级", "A qualitative indicator lists its levels"),
    "levels-not-expected": Text("只有定性指标才有等级", "Only a qualitative indicator has levels"),
    "first-level-not-highest": Text(
        "第一个等级应为最高", "The first level listed has the most points"
    ),
    "out-of-range": Text("应在 {least} 与 {most} 之间", "Must be from {least} to {most}"),
    "negative-weight": Text("权重不能为负", "A weight is not negative"),
    "no-positive-weight": Text(
        "至少一项指标（及其分组）的权重应大于零",
        "At least one indicator, and its group, must have a weight above zero",
    ),
    "range-order": Text("上限低于下限", "The maximum is below the minimum"),
    "repeated-unit": Text("此计量单位已有范围", "This unit of measure has a range already"),
    "term-of-one": Text(
        "一项应写明 indicator 或 constant，且只写一个",
        "A term states one of indicator and constant",
    ),
    "constant-in-a-pair": Text(
        "成对规则只问有无填报，不能写常数",
        "A pair asks whether figures are there, and a constant always is",
    ),
    "not-of-a-constant": Text("常数项不写此项", "A constant has none"),
    "tolerance-of-a-pair": Text(
        "成对规则不比较数值，没有容差", "A pair compares no figures and has no tolerance"
    ),
    "never-asked": Text(
        "填报任何数值都不会用到此规则：至少一项应为本期（this_period）且不写 organization",
        "No figure would have it asked: one term at least is of this_period, without organization",
    ),
    "nothing-flows": Text(
        "inflows、outflows 至少列出一项", "It lists at least one of inflows and outflows"
    ),
    "bound-required": Text(
        "须写明 percent、absolute 至少一个", "It states percent, absolute or both"
    ),
    "negative-bound": Text("不能为负", "It is not negative"),
    "threshold-not-positive": Text("应大于零", "It is above zero"),
    "least-above-window": Text(
        "least 不能多于 window", "No more figures can be asked for than the window has periods"
    ),
    "justification-of-a-block": Text(
        "只有 warn 才要求说明理由；block 一律不予上报",
        "Only a warning is justified; what blocks is not handed in at all",
    ),
    "multiplier-zero": Text("乘数不能为零", "A multiplier is not zero"),
    "grades-not-descending": Text(
        "等级应由高到低排列，起始分依次递减", "Grades are listed best first, by descending minimum"
    ),
    "last-grade-not-zero": Text("最后一个等级应从零分起", "The last grade starts at 0"),
    "lights-order": Text(
        "黄灯界限不能高于绿灯界限", "Yellow cannot start at a higher pace than green"
    ),
    "collective-submits": Text(
        "统称（有成员）不填报：submits 应为 false",
        "A collective name (with members) never submits: submits must be false",
    ),
    "collective-member": Text(
        "成员不能又是统称", "A member cannot be a collective name with members of its own"
    ),
    "acting-owner-does-not-submit": Text(
        "暂代单位须能填报", "The acting owner must be an organization that submits"
    ),
    "no-reporting-owner": Text(
        "须有能填报的牵头单位，或指定暂代单位（acting_owner）",
        "It needs an owner that submits, or an acting_owner",
    ),
}


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one kind of thing; `complete` unless one of them could not be read.

    `names` maps other names of things to their codes.
    """

    kind: str
    known: frozenset[str]
    complete: bool
    names: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> Mapping[str, str]:
        """Return the valid references, codes and names, with the code of each."""
        return {**self.names, **{code: code for code in self.known}}


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults found so far. A fault that depends on an unreadable place is left out."""

    unreadable: Callable[[str], bool]
    faults: list[Fault] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)

    def add(
        self,
        code: str,
        place: str,
        value: object = None,
        rests_on: Iterable[str] = (),
        **words: str,
    ) -> None:
        """Add a fault at `place`, unless that or a place in `rests_on` is unreadable."""
        if not any(self.unreadable(read) for read in (place, *rests_on)):
            detail = FAULT_TEXTS[code].format(**words)
            self.faults.append(Fault(place, code, detail, echo(value)))

    def add_outside(self, place: str, value: Decimal, least: int, most: int) -> None:
        """Add a fault unless the value is from `least` to `most`, both included."""
        if not least <= value <= most:
            self.add("out-of-range", place, plain(value), least=str(least), most=str(most))

    def add_repeats(self, code: str, entries: Iterable[tuple[str, Hashable]]) -> None:
        """Add a fault for each (place, value) whose value is a duplicate."""
        seen: set[Hashable] = set()
        for place, value in entries:
            if self.unreadable(place):
                continue
            if value in seen:
                self.add(code, place, value)
            seen.add(value)

    def add_unknown(self, place: str, code: str | None, codes: Codes) -> None:
        """Add a fault if nothing has that code."""
        if code is None or not codes.complete or code in codes.known or self.unreadable(place):
            return
        name = f"unknown-{codes.kind}"
        said = FAULT_TEXTS[name]
        if len(self.compared) < MOST_COMPARED:
            self.compared.append(code)
            said = with_closest(said, code, codes.shown())
        self.faults.append(Fault(place, name, said, echo(code)))

    def add_unknown_among(self, place: str, references: Sequence[str], codes: Codes) -> None:
        """Add a fault for each reference in a list that is unknown or a duplicate."""
        entries = [(f"{place}/{index}", code) for index, code in enumerate(references)]
        for where, code in entries:
            self.add_unknown(where, code, codes)
        self.add_repeats("repeated-reference", entries)
