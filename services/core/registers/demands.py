"""The files of evidence that a row needs before a change of state, as the plan requires. Pure."""

from collections.abc import Sequence

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.evidence_rules import Piece, counting, still_missing
from services.core.plan.register_entries import EvidencedState, Register, RowEvidence
from services.core.registers.judging import Cells
from services.core.registers.row_conditions import meets

_LACKING = Text(
    "“{name}”须附佐证材料至少 {least} 件{kinds}，现有 {there} 件：请先用"
    " POST /v1/register-rows/{{row_id}}/evidence 上传",
    "{name}: at least {least} files of evidence{kinds} are to be there, and {there} are: add them"
    " by POST /v1/register-rows/{{row_id}}/evidence first",
)


def demands_on(register: Register, cells: Cells, state: EvidencedState) -> list[RowEvidence]:
    """Return the evidence rules that apply before a row with these cells reaches `state`."""
    return [rule for rule in register.evidence if rule.state == state and meets(cells, rule.where)]


def lacking(
    register: Register, cells: Cells, pieces: Sequence[Piece], state: EvidencedState
) -> list[Fault]:
    """Return a fault for each kind of evidence that a row lacks before it reaches `state`."""
    return [
        Fault("/evidence", "evidence-missing", _told(rule, pieces))
        for rule in demands_on(register, cells, state)
        if still_missing(rule, pieces)
    ]


def _told(rule: RowEvidence, pieces: Sequence[Piece]) -> Text:
    kinds = "" if rule.types is None else ", ".join(rule.types)
    told = {"name": rule.name, "least": rule.min_files, "there": counting(rule, pieces)}
    in_chinese, in_english = (f"（{kinds}）", f" ({kinds})") if kinds else ("", "")
    return Text(
        _LACKING.zh.format(**told, kinds=in_chinese), _LACKING.en.format(**told, kinds=in_english)
    )


def missing_files(register: Register | None, cells: Cells, pieces: Sequence[Piece]) -> int:
    """Return how many more files a row needs before it can be confirmed as it is."""
    if register is None:
        return 0
    rules = demands_on(register, cells, "confirmed")
    return max((still_missing(rule, pieces) for rule in rules), default=0)
