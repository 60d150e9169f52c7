"""Findings of checks: how a submission stores them, and how much of them a caller sees. Pure.

A finding may compare figures of other units and indicators. Its words contain none of them; they
are added only for a caller whose reach covers all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pydantic_core import from_json

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.decimals import display, plain
from services.core.kit.text import Text
from services.core.plan.check_entries import FigurePart, Importance
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees

CheckKind = Literal["range", "part_within_whole", "rule", "balance", "change", "outlier"]

CODES: Mapping[CheckKind, str] = {
    "range": "implausible-value",
    "part_within_whole": "part-above-whole",
    "rule": "check-failed",
    "balance": "unbalanced",
    "change": "unusual-change",
    "outlier": "outlier",
}
"""The code of a finding by kind of check, whether it blocks or warns."""


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A figure that a check compared, its side and its slot; `value` None: it is missing."""

    side: Literal["left", "right"]
    indicator_code: str
    organization_code: str
    period: str
    part: FigurePart
    value: str | None


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """The finding of a check that does not hold.

    `rule` is its code in the plan; None: a built-in check. `words` describe the fault without
    figures of other slots; `said` adds the figures. `left` and `right` are the sums of both sides,
    as text, and `statistics` other computed numbers. `approved`: all compared figures were
    approved.
    """

    kind: CheckKind
    rule: str | None
    importance: Importance
    needs_justification: bool
    words: Text
    said: Text
    advice: Text | None = None
    left: str | None = None
    operator: str | None = None
    right: str | None = None
    tolerance: str | None = None
    figures: tuple[ComparedFigure, ...] = ()
    statistics: Mapping[str, str | None] = field(default_factory=dict)
    approved: bool = True

    @property
    def code(self) -> str:
        """The stable code of the finding."""
        return CODES[self.kind]


def kept(findings: Sequence[CheckFinding]) -> list[dict[str, Any]] | None:
    """Return findings as a submission stores them; None: there are none."""
    return [_kept(one) for one in findings] or None


def _kept(finding: CheckFinding) -> dict[str, Any]:
    advice = finding.advice
    return {
        "kind": finding.kind,
        "rule": finding.rule,
        "importance": finding.importance,
        "needs_justification": finding.needs_justification,
        "words": _two(finding.words),
        "said": _two(finding.said),
        "advice": None if advice is None else _two(advice),
        "left": finding.left,
        "operator": finding.operator,
        "right": finding.right,
        "tolerance": finding.tolerance,
        "figures": [
            {name: getattr(one, name) for name in ComparedFigure.__slots__}
            for one in finding.figures
        ],
        "statistics": dict(finding.statistics),
        "approved": finding.approved,
    }


def _two(words: Text) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}


def findings_kept(column: str | Sequence[Mapping[str, Any]] | None) -> list[CheckFinding]:
    """Read findings that `kept` wrote, as JSON text or already parsed."""
    read = from_json(column) if isinstance(column, str) else column
    return [_read(one) for one in read or ()]


def _read(one: Mapping[str, Any]) -> CheckFinding:
    advice = one["advice"]
    return CheckFinding(
        **{
            **one,
            "words": Text(**one["words"]),
            "said": Text(**one["said"]),
            "advice": None if advice is None else Text(**advice),
            "figures": tuple(ComparedFigure(**figure) for figure in one["figures"]),
        }
    )


def shows_figures(finding: CheckFinding, actor: Actor, plan: PlanState) -> bool:
    """Return whether all figures of a finding lie within a caller's reach.

    All or nothing, because a sum that includes one hidden figure would reveal it.
    """
    if actor.reach is Reach.APPROVED:
        return finding.approved
    return all(
        sees(
            actor,
            city_code=plan.city_code,
            plan_code=plan.code,
            units=(one.organization_code,),
            leads=plan.leads.get(one.indicator_code, ()),
        )
        for one in finding.figures
    )


def told(finding: CheckFinding, *, figures: bool) -> Text:
    """Return the words of a finding, with or without figures, and the advice."""
    said = finding.words
    if figures:
        said = _joined(said, finding.said, "：", ": ") if finding.said.zh else said
    elif finding.figures:
        said = _joined(said, _WITHHELD, "；", "; ")
    return said if finding.advice is None else _joined(said, finding.advice, "；", "; ")


_WITHHELD = Text(
    "其中有不在可见范围内的数值，不予显示", "figures beyond your reach are among them and not shown"
)


def _joined(one: Text, other: Text, zh: str, en: str) -> Text:
    return Text(f"{one.zh}{zh}{other.zh}", f"{one.en}{en}{other.en}")


def shown(number: Decimal) -> str:
    """Format a number for people: in full if it is short, else to four places."""
    text = plain(number)
    return text if len(text) <= _SHORT else plain(Decimal(display(number, _PLACES)))


_SHORT = 12
_PLACES = 4
