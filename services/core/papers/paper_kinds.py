"""The kinds of papers. Pure."""

from collections.abc import Mapping
from typing import Literal

from services.core.kit.text import Text

PaperKind = Literal["bulletin"]

KINDS: Mapping[PaperKind, Text] = {
    "bulletin": Text("通报", "Bulletin"),
}
"""What each is called."""
