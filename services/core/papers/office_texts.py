"""The texts of papers that the office may edit itself, as templates with placeholders. Pure."""

import re
from collections.abc import Mapping

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.papers.paper_kinds import PaperKind

_OFFICE = "{城市}“无废城市”建设领导小组办公室"
_NEXT = (
    "各牵头单位要对照红灯、黄灯指标逐项查明原因，提出整改措施和完成时限，按期报领导小组办公室。\n"
    "逾期未报的单位要立即补报；初步数据要尽快核定。"
)

DEFAULT_TEXTS: Mapping[PaperKind, Mapping[str, str]] = {
    "bulletin": {
        "issuer": _OFFICE,
        "addressees": "各牵头单位、责任单位，各乡镇政府、街道办事处：",
        "opening": "根据《{计划}》，现将{期间}“无废城市”建设进展情况通报如下。"
        "数据截至{截至}，以审核通过的数据为准。",
        "next_steps": _NEXT,
    },
    "annex2": {"issuer": _OFFICE, "title": "《{计划}》指标及完成情况"},
    "special": {
        "issuer": _OFFICE,
        "addressees": "{城市}“无废城市”建设领导小组：",
        "opening": "根据《{计划}》，现将{期间}有关指标完成情况报告如下。"
        "数据截至{截至}，以审核通过的数据为准。",
        "next_steps": _NEXT,
    },
    "self_assessment": {
        "issuer": _OFFICE,
        "opening": "根据《{计划}》，对{期间}“无废城市”建设情况开展了自评。数据截至{截至}，"
        "以审核通过的数据为准，佐证材料及其摘要见所附压缩包中的清单。",
        "organization": "建立领导小组统筹、办公室协调、牵头单位负责、乡镇政府和街道办事处落实的"
        "工作机制，按期调度、通报、督办。",
        "next_steps": _NEXT,
    },
    "supervision": {
        "issuer": _OFFICE,
        "opening": "根据《{计划}》，下列事项已逾期，请抓紧办理。",
        "demand": "请查明逾期原因，采取有效措施尽快办结；确不能按期办结的，"
        "请在反馈期限内书面说明进展、原因和预计完成时间。",
    },
    "feedback": {"issuer": _OFFICE, "opening": "{城市}“无废城市”建设领导小组办公室："},
}
"""By kind of paper and name; `{…}` are placeholders for facts of the paper."""

PLACES = ("城市", "计划", "期间", "截至")
"""The allowed placeholders."""

_PLACE = re.compile(r"\{([^{}]*)\}")


def filled(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return texts with their placeholders filled; `values` has each of `PLACES`."""
    return {name: _filled(text, values) for name, text in texts.items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], text)


def text_faults(kind: PaperKind, texts: Mapping[str, str], place: str) -> list[Fault]:
    """Return the faults of a kind's texts: unknown names, unknown placeholders."""
    faults = []
    known = DEFAULT_TEXTS[kind]
    for name, text in texts.items():
        if name not in known:
            said = Text(
                f"此类文件没有该文本；可用：{'、'.join(known)}",
                f"Papers of this kind have no such text: there are {', '.join(known)}",
            )
            faults.append(Fault(f"{place}/{_pointer(name)}", "unknown-text", said, name))
            continue
        unknown = set(_PLACE.findall(text)) - set(PLACES)
        if unknown or {"{", "}"} & set(_PLACE.sub("", text)):
            faults.append(Fault(f"{place}/{name}", "unknown-place", _PLACES, text[:_SHOWN]))
    return faults


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


_SHOWN = 200
_PLACES = Text(
    "花括号内只能是：{城市}、{计划}、{期间}、{截至}",
    "What stands in braces can be {城市}, {计划}, {期间} or {截至}, and nothing else",
)
