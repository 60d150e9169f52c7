"""Renders templates in two languages, and serves the static files beside them.

Every text that comes from the ledger is escaped, and a name that a template misspells is an error.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from services.core.kit.text import Language, Text
from services.core.plan.state import PlanState

_HERE = Path(__file__).parent
_ASSETS = _HERE / "assets"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the board: its own files, and forms to itself."""

_NO_EXTENSIONS: list[type[Extension]] = []
_templates = Environment(
    loader=FileSystemLoader(_HERE / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    extensions=_NO_EXTENSIONS,
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file; its name contains a digest of it, so that browsers may cache it for good."""

    name: str
    body: bytes
    media_type: str


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    mark = base64.b32encode(hashlib.sha256(body).digest()).decode().lower()[:12]
    return Asset(f"{path.stem}.{mark}{path.suffix}", body, _TYPES[path.suffix])


@cache
def assets() -> Mapping[str, Asset]:
    """Return the static files by the names they are served under."""
    found = [_asset(path) for path in sorted(_ASSETS.iterdir()) if path.suffix in _TYPES]
    return {one.name: one for one in found}


@cache
def _asset_names() -> Mapping[str, str]:
    return {f"{one.split('.')[0]}.{one.rsplit('.', 1)[1]}": one for one in assets()}


@cache
def words() -> Mapping[str, Text]:
    """Return the fixed texts of the pages, by name."""
    read = yaml.safe_load((_HERE / "words.yaml").read_text(encoding="utf-8"))
    return {name: Text(zh, en) for name, (zh, en) in read.items()}


def draft_status(plan: PlanState) -> str | None:
    """Return the notice that a plan is a draft; None: it is in force."""
    return plan.document.status_text if plan.document.status == "draft" else None


def page(name: str, language: Language, *, root: str, **shown: Any) -> bytes:
    """Return a page as HTML.

    `root` is the path that the API is served under; `shown` is the template's data.
    """
    said = words()

    def say(key: str, **values: object) -> str:
        text = said[key].in_(language)
        return text.format(**values) if values else text

    html = _templates.get_template(name).render(
        say=say, language=language, root=f"{root}/board", assets=_asset_names(), **shown
    )
    return html.encode()
