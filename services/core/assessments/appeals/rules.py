"""The state machine of an appeal: transitions, who may make them, and their effects. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from services.core.assessments.rules import authors_of
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.kit.nearest import with_nearest
from services.core.kit.text import Text
from services.core.submissions.rules import writes_for

AppealState = Literal["filed", "upheld", "refused", "withdrawn"]
AppealVerb = Literal["uphold", "refuse", "withdraw"]

AFTER: Mapping[AppealVerb, AppealState] = {
    "uphold": "upheld",
    "refuse": "refused",
    "withdraw": "withdrawn",
}
"""The state of a filed appeal after each verb; a decided appeal never changes."""

MOST_FILES = 20

_NO_ITEM = Text("评估细则中没有此项", "The score sheet has no such item")
_TWICE = Text("此项已列出", "This item is in the list already")
_BEFORE = Text("此项已申诉过，且已处理", "This item was contested before, and decided on")
_NO_FILE = Text(
    "没有该佐证文件，或不属于本单位", "There is no such file of evidence, or none of this unit"
)
_NOT_CONTESTED = Text("申诉没有涉及此项", "The appeal does not contest this item")
_SAME = Text(
    "更正后没有一项得分提高：申诉成立须至少提高一项的得分；否则请驳回",
    "No item gains points: an appeal that is upheld gives an item more at least; else refuse it",
)
_FEWER = Text(
    "更正后得分由 {before} 变为 {after}：申诉成立不能降低得分；其他问题请另行处理",
    "Its points go from {before} to {after}: an appeal that is upheld takes none away; what else"
    " was found is for another assessment",
)


@dataclass(frozen=True, slots=True)
class ContestedItem:
    """An item that a unit contests: the grounds, and files of evidence."""

    item: str
    grounds: str
    evidence_ids: tuple[UUID, ...] = ()

    def kept(self) -> dict[str, Any]:
        """Return the item as the table stores it."""
        files = [str(one) for one in self.evidence_ids]
        return {"item": self.item, "grounds": self.grounds, "evidence_ids": files}


def contested_faults(
    contested: Sequence[ContestedItem],
    *,
    items: Collection[str],
    before: Collection[str],
    files: Collection[UUID],
) -> list[Fault]:
    """Return the faults of contested items.

    `items` are those that were assessed, `before` those that an earlier appeal was decided on,
    `files` the unit's evidence.
    """
    faults = []
    for at, one in enumerate(contested):
        place = f"/items/{at}"
        if one.item not in items:
            told = with_nearest(_NO_ITEM, one.item, items)
            faults.append(Fault(f"{place}/item", "unknown-item", told, one.item))
        elif one.item in [other.item for other in contested[:at]]:
            faults.append(Fault(f"{place}/item", "repeated-reference", _TWICE, one.item))
        elif one.item in before:
            faults.append(Fault(f"{place}/item", "contested-before", _BEFORE, one.item))
        faults += [
            Fault(f"{place}/evidence_ids/{number}", "unknown-evidence", _NO_FILE, str(file))
            for number, file in enumerate(one.evidence_ids)
            if file not in files
        ]
    return faults


def correction_faults(corrected: Collection[str], contested: Collection[str]) -> list[Fault]:
    """Return a fault for each item to be corrected that was not contested."""
    return [
        Fault(f"/findings/{code}", "item-not-contested", _NOT_CONTESTED, code)
        for code in corrected
        if code not in contested
    ]


@dataclass(frozen=True, slots=True)
class ItemsAndTotal:
    """The result of an assessment: its items, and the total (None: no item applies)."""

    results: Sequence[Mapping[str, Any]]
    total: Decimal | None


def points_faults(before: ItemsAndTotal, after: ItemsAndTotal) -> list[Fault]:
    """Return why a correction cannot uphold an appeal: points that fall, or none that rise.

    An item that becomes applicable, or no longer applies, neither rises nor falls: the total
    decides on it.
    """
    was = {one["code"]: one["points"] for one in before.results}
    faults, gained, other = [], False, False
    for one in after.results:
        code, now = one["code"], one["points"]
        then = was.get(code)
        if then is None or now is None:
            other = other or then != now
        elif Decimal(now) < Decimal(then):
            faults.append(_fewer(f"/findings/{code}", then, now))
        else:
            gained = gained or Decimal(now) > Decimal(then)
    if other and not faults:
        reached, remains = (
            Decimal(-1) if one.total is None else one.total for one in (before, after)
        )
        gained = gained or remains > reached
        if remains < reached:
            faults.append(_fewer("/findings", _shown(before.total), _shown(after.total)))
    return faults if faults or gained else [Fault("/findings", "nothing-changes", _SAME)]


def _fewer(place: str, before: str, after: str) -> Fault:
    return Fault(place, "points-fall", _FEWER.format(before=before, after=after), after)


def _shown(total: Decimal | None) -> str:
    return "—" if total is None else plain(total)


def with_evidence_kept(
    before: Mapping[str, Mapping[str, Any]], corrections: Mapping[str, Any]
) -> dict[str, Any]:
    """Return corrections, each with its item's earlier evidence unless it names its own."""
    kept = {code: before.get(code, {}).get("evidence") for code in corrections}
    return {
        code: {**one, "evidence": kept[code]}
        if isinstance(one, Mapping) and one.get("evidence") is None and kept[code] is not None
        else one
        for code, one in corrections.items()
    }


def changes_between(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the items whose points or reason differ, each before and after."""
    was = {one["code"]: one for one in before}
    return [
        {
            "code": one["code"],
            "name": one["name"],
            **{f"before_{member}": was.get(one["code"], {}).get(member) for member in _TOLD},
            **{f"after_{member}": one[member] for member in _TOLD},
        }
        for one in after
        if any(was.get(one["code"], {}).get(member) != one[member] for member in _TOLD)
    ]


_TOLD = ("points", "reason", "reason_en")


def files_appeal(actor: Actor, organization_code: str) -> bool:
    """Return whether the actor may file appeals of a unit: whoever reports for it."""
    return writes_for(actor, organization_code)


def has_right(
    actor: Actor, verb: AppealVerb, appeal: Mapping[str, Any], assessment: Mapping[str, Any] | None
) -> bool:
    """Return whether the actor has the right to a verb, in any state.

    Whoever filed an appeal may withdraw it. The office decides, unless it filed it or made the
    assessment; None for `assessment` skips the latter check.
    """
    if verb == "withdraw":
        return files_appeal(actor, appeal["organization_code"])
    if not decides(actor):
        return False
    involved = [authors_of(appeal), *([authors_of(assessment)] if assessment else [])]
    return not any(authors.include(actor) for authors in involved)


def decides(actor: Actor) -> bool:
    """Return whether the actor decides on appeals other than its own: the office does."""
    return actor.may(Permission.REVIEW_ANY_SUBMISSION)


def allowed_actions(actor: Actor, appeal: Mapping[str, Any]) -> list[AppealVerb]:
    """Return the verbs that this actor may use now, judged by the appeal alone."""
    if appeal["state"] != "filed":
        return []
    return [verb for verb in get_args(AppealVerb) if has_right(actor, verb, appeal, None)]


def image_of(appeal: Mapping[str, Any]) -> dict[str, object]:
    """Return what history stores of an appeal after a change."""
    same = "organization_code revision state contested decision_reason corrected_revision changes"
    return {
        "assessment_id": str(appeal["assessment_id"]),
        **{name: appeal[name] for name in same.split()},
    }


def event_data(appeal: Mapping[str, Any]) -> dict[str, object]:
    """Return the data of an appeal in the event of a change."""
    reason = appeal["decision_reason"]
    return {
        "sheet_code": appeal["sheet_code"],
        "assessment_id": str(appeal["assessment_id"]),
        "organization_code": appeal["organization_code"],
        "subject_name": appeal["subject_name"],
        "period": appeal["period"],
        "state": appeal["state"],
        "items": [one["item"] for one in appeal["contested"]],
        "corrected_revision": appeal["corrected_revision"],
        "version": appeal["version"],
        **({"reason": reason} if reason else {}),
    }
