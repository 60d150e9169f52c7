"""The kinds of papers, and the subject of each. Pure."""

from collections.abc import Mapping
from typing import Literal

from services.core.kit.text import Text

PaperKind = Literal["bulletin", "annex2", "special", "self_assessment", "supervision", "feedback"]

KINDS: Mapping[PaperKind, Text] = {
    "bulletin": Text("通报", "Bulletin"),
    "annex2": Text("附件2", "Annex 2"),
    "special": Text("专项报告", "Special report"),
    "self_assessment": Text("自评报告", "Self-assessment"),
    "supervision": Text("督办单", "Form of supervision"),
    "feedback": Text("反馈单", "Form of feedback"),
}
"""The display name of each kind."""

AboutKind = Literal["group", "indicator", "milestone", "obligation", "alert"]

PARTS: tuple[AboutKind, ...] = ("group", "indicator")
"""Parts of a plan that a paper on a period may be about."""

MATTERS: tuple[AboutKind, ...] = ("milestone", "obligation", "alert")
"""Possible subjects of a form: one matter per paper."""

ABOUT: Mapping[PaperKind, tuple[AboutKind, ...]] = {
    "bulletin": (),
    "annex2": (),
    "special": PARTS,
    "self_assessment": (),
    "supervision": MATTERS,
    "feedback": MATTERS,
}
"""The possible subjects of each kind; none: the whole plan."""


def is_form(kind: str) -> bool:
    """Return whether a kind of paper is about one matter, and so has no period."""
    return kind in {"supervision", "feedback"}


def is_pack(kind: str) -> bool:
    """Return whether a paper comes with an archive of its year's evidence."""
    return kind == "self_assessment"
