"""Builds the catalogue of shareable data (政务信息资源目录) from the contract and the plan. Pure.

Its columns are the core metadata of such catalogues. The fields of a resource are read from the
schema of the operation that answers it, so that the catalogue always matches the answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from services.api.exports.columns import Kind, shape_of
from services.api.gateways.quirks import instants_of
from services.core.plan.document import Frequency, Indicator
from services.core.plan.state import PlanState

_SUBJECT = "主题信息资源"
_ITEM = "无废城市建设"
_FORMAT = "数据库；以 JSON、CSV、XLSX 提供"
_OPEN, _SHARED, _CONDITIONAL = "可开放", "无条件共享", "有条件共享"
_CLOSED = "不予开放"
_CONDITION = "由无废城市建设工作机构核准，作为对接方接入，限于约定的接口、字段和网段"
_CYCLES: Mapping[Frequency, str] = {
    "annual": "每年",
    "half_yearly": "每半年",
    "quarterly": "每季度",
    "monthly": "每月",
}
_TYPES = {Kind.TEXT: "字符型C", Kind.DECIMAL: "数值型N", Kind.OTHER: "其他"}
_INSTANT = "日期时间型T"
_BETWEEN = "；"


class ClassificationOut(BaseModel):
    """Where a resource stands, in four steps (类、项、目、细目)."""

    kind: str = Field(description="The first step (类)")
    item: str = Field(description="The second (项)")
    section: str = Field(description="The third (目)")
    detail: str = Field(description="The fourth (细目)")


class InformationOut(BaseModel):
    """What a resource holds (信息项): as many types as names, in one order, between `；`."""

    names: str = Field(description="What they are called in Chinese")
    types: str = Field(description="字符型C, 数值型N, 日期时间型T, 其他")


class ResourceOut(BaseModel):
    """A resource, in the core columns of a catalogue of government information."""

    classification: ClassificationOut = Field(description="Where it stands")
    name: str = Field(description="Its name")
    code: str = Field(description="Its code, of the plan's and its own")
    provider: str = Field(description="Units that provide it, between `；`")
    provider_code: str | None = Field(
        description="Their codes, in the same order; null: the plan has none"
    )
    summary: str = Field(description="What it is")
    format: str = Field(description="In which forms it is had")
    information: InformationOut = Field(description="What it holds")
    sharing_type: str = Field(description="无条件共享 or 有条件共享")
    sharing_condition: str | None = Field(description="On which condition; null: on none")
    sharing_method: str = Field(description="By which operation")
    openness: str = Field(description="Whether the public may have it: 可开放 or 不予开放")
    update_cycle: str = Field(description="How often it changes")
    published_on: date | None = Field(
        description="When the plan's scoreboard was last published; null: it never was"
    )
    related_codes: str | None = Field(
        description="Codes of resources beside it, between `；`; null: there are none"
    )


class CatalogOut(BaseModel):
    """The catalogue of a plan."""

    items: list[ResourceOut] = Field(
        description="What is computed first, then the values of each indicator, in its order"
    )
    next_page_token: str | None = Field(description="Always null: the catalogue is whole")
    plan: str = Field(description="Code of the plan")


@dataclass(frozen=True, slots=True)
class Source:
    """An operation whose answer is a resource, and the resource's name."""

    operation: str
    name: str
    summary: str
    cycle: str


SOURCES = (
    Source("get_scoreboard", "计分结果", "按计划的评分办法得出的总分、分组得分和指标得分", "实时"),
    Source("list_indicators", "指标定义", "指标的名称、口径、基期值、目标值和责任单位", "不定期"),
    Source("list_late", "逾期事项", "逾期未报、未签收、未完成的事项和责任单位", "每日"),
)
"""The resources of a plan beside the values of each indicator."""

VALUES = "list_submissions"
"""The operation that returns the values of an indicator."""


def catalog_of(plan: PlanState, answers: Mapping[str, type[BaseModel]]) -> CatalogOut:
    """Return the catalogue of a plan; `answers` are the response models of operations, by name."""
    held = {name: information_of(model) for name, model in answers.items()}
    instants = [one.published_at for one in plan.periods.values() if one.published_at is not None]
    zone = ZoneInfo(plan.document.time_zone)
    published = max((one.astimezone(zone).date() for one in instants), default=None)
    return CatalogOut(
        items=[*_computed(plan, held, published), *_reported(plan, held[VALUES], published)],
        next_page_token=None,
        plan=plan.code,
    )


def information_of(model: type[BaseModel]) -> InformationOut:
    """Return the fields of an answer's rows, by the Chinese names of their columns."""
    shape = shape_of(model)
    columns = shape.tables[0].columns if shape else []
    instants = instants_of(model)
    types = [
        _INSTANT if one.name.rpartition(".")[2] in instants else _TYPES[one.kind] for one in columns
    ]
    names = [one.heading("zh-CN") for one in columns]
    return InformationOut(names=_BETWEEN.join(names), types=_BETWEEN.join(types))


def _computed(
    plan: PlanState, held: Mapping[str, InformationOut], published: date | None
) -> Iterator[ResourceOut]:
    office = plan.document.supervision.office or ""
    unit = plan.organizations.get(office)
    for source in SOURCES:
        yield ResourceOut(
            classification=_classified("综合", source.name),
            name=f"{plan.document.city.name}无废城市{source.name}",
            code=f"{plan.code}/{source.operation}",
            provider=unit.name if unit else plan.document.city.name,
            provider_code=office or plan.city_code,
            summary=source.summary,
            format=_FORMAT,
            information=held[source.operation],
            sharing_type=_CONDITIONAL,
            sharing_condition=_CONDITION,
            sharing_method=_method(source.operation),
            openness=_CLOSED,
            update_cycle=source.cycle,
            published_on=published,
            related_codes=None,
        )


def _reported(
    plan: PlanState, holds: InformationOut, published: date | None
) -> Iterator[ResourceOut]:
    for one in plan.document.indicators:
        units = [plan.organizations[code] for code in one.owners if code in plan.organizations]
        yield ResourceOut(
            classification=_classified(one.level1, one.level2 or one.level1),
            name=one.name,
            code=f"{plan.code}/{one.code}",
            provider=_BETWEEN.join(unit.name for unit in units) or one.owner_text,
            provider_code=_BETWEEN.join(unit.code for unit in units) or None,
            summary=_summary(one),
            format=_FORMAT,
            information=holds,
            sharing_type=_SHARED if one.public else _CONDITIONAL,
            sharing_condition=None if one.public else _CONDITION,
            sharing_method=f"{_method(VALUES)}，indicator_code={one.code}",
            openness=_OPEN if one.public else _CLOSED,
            update_cycle=_CYCLES[one.frequency],
            published_on=published,
            related_codes=_BETWEEN.join(f"{plan.code}/{code}" for code in _related(plan, one))
            or None,
        )


def _classified(section: str, detail: str) -> ClassificationOut:
    return ClassificationOut(kind=_SUBJECT, item=_ITEM, section=section, detail=detail)


def _method(operation: str) -> str:
    return f"接口：POST /gw/v1/{operation}"


def _summary(indicator: Indicator) -> str:
    formula = indicator.formula.expression if indicator.formula else None
    said = [indicator.scope, formula]
    return "。".join(one for one in said if one) or f"{indicator.name}（{indicator.unit}）"


def _related(plan: PlanState, indicator: Indicator) -> Iterator[str]:
    if indicator.part_of is not None:
        yield indicator.part_of
    for other in plan.document.indicators:
        if other.part_of == indicator.code:
            yield other.code
