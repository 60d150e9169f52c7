"""The texts of papers that the office may word itself, with places that are filled in. Pure."""

import re
from collections.abc import Mapping

DEFAULT_TEXTS: Mapping[str, Mapping[str, str]] = {
    "bulletin": {
        "issuer": "{城市}“无废城市”建设领导小组办公室",
        "addressees": "各牵头单位、责任单位，各乡镇政府、街道办事处：",
        "opening": "根据《{计划}》，现将{期间}“无废城市”建设进展情况通报如下。"
        "数据截至{截至}，以审核通过的数据为准。",
        "next_steps": "各牵头单位要对照红灯、黄灯指标逐项查明原因，提出整改措施和完成时限，"
        "按期报领导小组办公室。\n"
        "逾期未报的单位要立即补报；初步数据要尽快核定。",
    },
}
"""By kind of paper and name; `{…}` is filled with what the paper is about."""

_PLACE = re.compile(r"\{([^{}]*)\}")
PLACES = ("城市", "计划", "期间", "截至")
"""What can be filled in."""


def filled(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return texts with their places filled; `values` has each of `PLACES`."""
    return {name: _filled(text, values) for name, text in texts.items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], text)
