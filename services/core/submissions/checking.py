"""Runs the plan's entry checks on a value: their findings, and which of them block it. Pure.

All findings on a draft or a returned submission are stored and shown. At submitting, a blocking
finding refuses the value, and so does a warning that requires a justification and has none.
Findings are not updated when another value changes later.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.core.checks.figures import Figures
from services.core.checks.findings import CheckFinding, kept, shows_figures, told
from services.core.checks.judging import findings_of
from services.core.checks.lookups import slots_needed
from services.core.identity.actor import Actor
from services.core.kit.decimals import plain
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.slots import slot_of
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow


def at_entry(row: SubmissionRow, plan: PlanState, actor: Actor, figures: Figures) -> dict[str, Any]:
    """Run the checks on a submission that is to be written; return the columns that they set.

    Raises:
        InvalidInput: it is being submitted, and a check blocks it.
    """
    findings = findings_of(row, plan, figures)
    faults = entry_faults(row, findings, plan, actor)
    if faults:
        raise InvalidInput(faults=faults)
    return {"checks": kept(findings)}


def entry_faults(
    row: SubmissionRow, findings: Iterable[CheckFinding], plan: PlanState, actor: Actor
) -> list[Fault]:
    """Return as faults those findings that block a submission."""
    if row["state"] != "submitted":
        return []
    return [
        _fault(one, row, plan, actor)
        for one in findings
        if one.importance == "block" or (one.needs_justification and not row["justification"])
    ]


def _fault(finding: CheckFinding, row: SubmissionRow, plan: PlanState, actor: Actor) -> Fault:
    said = told(finding, figures=shows_figures(finding, actor, plan))
    if finding.importance == "block":
        return finding_fault(finding, row, said)
    words = Text(
        f"{said.zh}；如数值属实，请在 justification 中说明原因后再上报",
        f"{said.en}; if it is true, say why in `justification` and hand it in again",
    )
    return Fault("/justification", "justification-required", words, finding.rule or finding.code)


def finding_fault(finding: CheckFinding, row: Mapping[str, Any], said: Text) -> Fault:
    """Return a finding as a fault of the reported value, or of its numerator."""
    if row["value"] is None:
        return Fault("", finding.code, said)
    pointer = "/value" if row["numerator"] is None else "/numerator"
    return Fault(pointer, finding.code, said, plain(row["value"]))


class EntriesTogether:
    """Submissions that are written at once: each is checked against the others as they will be.

    If two contradict each other, both are refused, whatever their order. Those that passed because
    of a refused one are checked again without it.
    """

    def __init__(self, plan: PlanState, actor: Actor, figures: Figures) -> None:
        self._plan = plan
        self._actor = actor
        self._figures = figures
        self.faults: dict[int, list[Fault]] = {}
        self.columns: dict[int, dict[str, Any]] = {}

    def judge(self, rows: Mapping[int, SubmissionRow]) -> None:
        """Check submissions by number; set `columns` of the valid ones, `faults` of the others."""
        for row in rows.values():
            self._figures.lay_over(row)
        refused = self._refused(rows, rows)
        # Usually nothing is refused, and then the dependencies are not needed.
        readers = self._readers(rows) if refused else {}
        while refused:
            for number in refused:
                self._figures.take_off(slot_of(rows[number]))
            again = {one for number in refused for one in readers.get(number, ())}
            refused = self._refused(again - set(self.faults), rows)

    def _refused(
        self, numbers: Iterable[int], rows: Mapping[int, SubmissionRow]
    ) -> Collection[int]:
        """Check some against the present figures; return those that may not be written."""
        return {number for number in numbers if not self._passes(number, rows[number])}

    def _passes(self, number: int, row: SubmissionRow) -> bool:
        """Check one against the present figures; return whether it may be written."""
        findings = findings_of(row, self._plan, self._figures)
        if faults := entry_faults(row, findings, self._plan, self._actor):
            self.faults[number] = faults
            self.columns.pop(number, None)
            return False
        self.columns[number] = {"checks": kept(findings)}
        return True

    def _readers(self, rows: Mapping[int, SubmissionRow]) -> Mapping[int, Sequence[int]]:
        """Return by number the submissions that are checked against it."""
        slots = {slot_of(row): number for number, row in rows.items()}
        readers: dict[int, list[int]] = defaultdict(list)
        for number, row in rows.items():
            for slot in slots_needed([row], self._plan):
                if slot in slots:
                    readers[slots[slot]].append(number)
        return readers
