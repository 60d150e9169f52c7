"""The docs page in Chinese and in English, which loads nothing from other hosts."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from services.api.contract.chinese import words
from services.api.contract.translated import in_chinese
from services.api.contract.viewer import for_viewer
from services.core.kit.text import Language, Text

_TITLE = Text("无废 Wufei 接口文档", "Wufei 无废: the API")
_CURRENT = 'aria-current="true"'
_PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


def docs_page(contract: dict[str, Any], language: Language, *, prefix: str = "") -> str:
    """Return the page that shows a contract, as HTML.

    `prefix` is the path that the API is served under: empty, or `/` and a name.
    """
    labels: Mapping[str, str] = {}
    if language == "zh-CN":
        contract, labels = in_chinese(contract), words("labels")
    shown = for_viewer(contract, language)
    return _PAGE.substitute(
        language=language,
        title=_TITLE.in_(language),
        assets=escape(f"{prefix}/docs/assets"),
        chinese=_CURRENT if language == "zh-CN" else "",
        english=_CURRENT if language == "en" else "",
        labels=_json_in_html(labels),
        contract=_json_in_html(shown),
    )


def _json_in_html(value: object) -> str:
    """Return JSON escaped for a `script` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
