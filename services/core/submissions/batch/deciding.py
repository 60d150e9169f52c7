"""Decides the outcome of each row of a batch, given the submission in its slot. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.core.checks.figures import Figures
from services.core.identity.actor import Actor
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.rows import BatchRow, RowOutcome, at_row
from services.core.submissions.changes import FORMS, edited, form_after, moved, stepped
from services.core.submissions.checking import EntriesTogether
from services.core.submissions.creation import SubmissionDraft, access_to, first_action, new_row
from services.core.submissions.judging import evidence_faults, value_faults
from services.core.submissions.rules import (
    REMARKS,
    Form,
    Remarks,
    SubmissionVerb,
    period_allows,
    reported,
    state_allows,
)
from services.core.submissions.verbs import action_of


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of a row.

    `submission` is the state afterwards, or the submission that was in the way; None: there is
    none. `before` is the state before; None: the slot was empty, or was not read. `action` is the
    history's name of a change, None: nothing is written. `index` is None if a `replace` withdraws a
    submission that no row names.
    """

    index: int | None
    slot: Slot
    outcome: RowOutcome
    submission: SubmissionRow | None = None
    action: str | None = None
    faults: tuple[Fault, ...] = ()
    before: SubmissionRow | None = None


@dataclass(frozen=True, slots=True)
class Deciding:
    """The inputs of decisions: the plan, the states of periods by code, the actor, and the time.

    `holds_back` is why a `replace` withdraws nothing beside its rows; None: it may.
    """

    plan: PlanState
    periods: Mapping[str, str]
    actor: Actor
    now: datetime
    holds_back: Fault | None = None

    def row(
        self, row: BatchRow, present: SubmissionRow | None, brought: Collection[UUID] = ()
    ) -> Decided:
        """Decide a row without faults, given the submission in its slot.

        `brought` are the submissions that came from another installation.
        """
        if row.operation == "delete":
            return self._delete(row, present, brought)
        if present is None:
            return Decided(row.index, row.slot, "unchanged") if row.as_made else self._create(row)
        if row.operation == "create":
            return _rejected(row, present, _exists(present))
        return self._update(row, present)

    def unnamed(self, present: SubmissionRow) -> Decided:
        """Decide on a submission in the scope of a `replace` that no row names."""
        slot = slot_of(present)
        kept = self.holds_back or self._why_not(present, "withdraw")
        if kept is not None:
            return Decided(None, slot, "rejected", present, faults=(kept,), before=present)
        after = self._after(present, "withdraw")
        return Decided(None, slot, "deleted", after, action_of("withdraw"), before=present)

    def _create(self, row: BatchRow) -> Decided:
        if row.operation == "update":
            return _rejected(row, None, _NONE_THERE)
        plan, slot = self.plan, row.slot
        indicator = plan.indicators[slot.indicator_code]
        faults = []
        form = row.form
        if not row.says_form:
            faults = value_faults(form, indicator, plan, slot.period, draft=row.draft)
        faults += evidence_faults(form, indicator, (), draft=row.draft)
        if closed := self._closed(slot.period, "edit"):
            faults.append(closed)
        if faults:
            return _rejected(row, None, *faults)
        remarks = Remarks(**{name: row.said[name] for name in REMARKS if name in row.said})
        draft = SubmissionDraft(*slot, form, remarks, row.draft)
        made = new_row(draft, indicator, plan=plan, actor=self.actor, now=self.now)
        return Decided(row.index, slot, "created", made, first_action(made))

    def _update(self, row: BatchRow, present: SubmissionRow) -> Decided:
        submits = not row.draft and present["state"] == "draft"
        says_more = any(present[name] != value for name, value in row.said.items())
        if not (row.says_form or says_more or submits):
            return _unchanged(row, present)
        indicator = self.plan.indicators[row.slot.indicator_code]
        if not (says_more or submits) and _says_the_same(row.form, present, indicator):
            files = pieces_of(present["files"])
            if not evidence_faults(row.form, indicator, files, draft=row.draft):
                return _unchanged(row, present)  # the form itself was validated with the row
        # A row replaces the value as a whole; of the other columns it changes those that it names.
        changes: dict[str, Any] = {**(dict.fromkeys(FORMS) if row.says_form else {}), **row.said}
        form = form_after(present, changes)
        faults = value_faults(form, indicator, self.plan, row.slot.period, draft=row.draft)
        faults += evidence_faults(form, indicator, pieces_of(present["files"]), draft=row.draft)
        columns: dict[str, Any] = {}
        if not faults:
            columns = edited(present, changes, form, indicator=indicator, actor=self.actor)
        if not (columns or submits or faults):
            return _unchanged(row, present)
        if refused := self._why_not(present, "edit"):
            faults.append(refused)
        if faults:
            return _rejected(row, present, *faults)
        wanted = {**present, **columns}
        if row.draft:
            return _written(row, "updated", stepped(wanted, self.now), "changed", present)
        return _written(row, "updated", self._after(wanted, "submit"), action_of("submit"), present)

    def _delete(
        self, row: BatchRow, present: SubmissionRow | None, brought: Collection[UUID]
    ) -> Decided:
        if present is None:
            return _rejected(row, None, _NONE_THERE)
        own = present["reported_by"] == self.actor.author_id or present["id"] in brought
        if row.only_own and not own:
            return _rejected(row, present, _NOT_BROUGHT)
        if refused := self._why_not(present, "withdraw"):
            return _rejected(row, present, refused)
        after = self._after(present, "withdraw")
        return _written(row, "deleted", after, action_of("withdraw"), present)

    def _after(self, row: SubmissionRow, verb: SubmissionVerb) -> SubmissionRow:
        changed = moved(row, verb, actor=self.actor, reason=None, now=self.now)
        return stepped({**row, **changed}, self.now)

    def _why_not(self, present: SubmissionRow, verb: SubmissionVerb) -> Fault | None:
        """Return why a submission cannot be edited or withdrawn in its present state."""
        period = present["period"]
        leads = self.plan.leads.get(present["indicator_code"])
        access = access_to(present, leads, self.periods.get(period, "planned"))
        if not state_allows(verb, access):
            advice = _ADVICE[access.state] if verb == "edit" else _why_it_stays(access.state)
            return Fault("", "transition-refused", advice, access.state)
        return self._closed(period, verb)

    def _closed(self, period: str, verb: SubmissionVerb) -> Fault | None:
        state = self.periods.get(period, "planned")
        if period_allows(verb, state):
            return None
        return Fault("/period", "period-closed", _CLOSED.format(period=period), period)


_NOT_BROUGHT = Fault(
    "",
    "not-brought",
    Text(
        "此处的填报由他人写入，不是随此带来的：没有撤回",
        "Somebody else wrote what stands here, and it did not come this way: it is not withdrawn",
    ),
)


def checked(found: Sequence[Decided], deciding: Deciding, figures: Figures) -> list[Decided]:
    """Run the plan's checks on everything that is to be written together; return the outcomes.

    Withdrawn submissions of the same batch no longer count.
    """
    written: dict[int, SubmissionRow] = {}
    for number, one in enumerate(found):
        if one.submission is None or one.action is None:
            continue
        if one.outcome == "deleted":
            figures.lay_over(one.submission)
        else:
            written[number] = one.submission
    together = EntriesTogether(deciding.plan, deciding.actor, figures)
    together.judge(written)
    return [_as_checked(one, number, together) for number, one in enumerate(found)]


def _as_checked(one: Decided, number: int, together: EntriesTogether) -> Decided:
    if number in together.faults:
        told = tuple(at_row(one.index or 0, fault) for fault in together.faults[number])
        return Decided(one.index, one.slot, "rejected", one.before, faults=told, before=one.before)
    if number in together.columns and one.submission is not None:
        after = {**one.submission, **together.columns[number]}
        return Decided(one.index, one.slot, one.outcome, after, one.action, before=one.before)
    return one


def _rejected(row: BatchRow, present: SubmissionRow | None, *faults: Fault) -> Decided:
    told = tuple(at_row(row.index, fault) for fault in faults)
    return Decided(row.index, row.slot, "rejected", present, faults=told, before=present)


def _unchanged(row: BatchRow, present: SubmissionRow) -> Decided:
    return Decided(row.index, row.slot, "unchanged", present, before=present)


def _says_the_same(form: Form, present: SubmissionRow, indicator: Indicator) -> bool:
    """Return whether a submission already has the value that a form without faults gives."""
    kept = reported(form, indicator)
    return all(present[name] == getattr(kept, name) for name in FORMS)


def _written(
    row: BatchRow,
    outcome: RowOutcome,
    after: SubmissionRow,
    action: str,
    before: SubmissionRow,
) -> Decided:
    return Decided(row.index, row.slot, outcome, after, action, before=before)


def _exists(present: SubmissionRow) -> Fault:
    words = Text(
        "该指标、单位、周期已有填报；要改写请用 upsert 或 update_only",
        "This place has a submission already; upsert or update_only would change it",
    )
    return Fault("", "submission-exists", words, str(present["id"]))


_NONE_THERE = Fault(
    "",
    "submission-missing",
    Text(
        "该指标、单位、周期没有填报；要新增请用 upsert 或 create_only",
        "This place has no submission; upsert or create_only would make one",
    ),
)
_CLOSED = Text("{period} 已关闭，不再接受填报", "{period} is closed and takes no values")
_ADVICE: Mapping[str, Text] = {
    "submitted": Text(
        "该填报已送审，内容不同：请先撤回（withdraw），或由审核人退回（return）后再改",
        "It is under review with another content: withdraw it, or have it returned, then change it",
    ),
    "approved": Text(
        "该填报已审核通过，内容不同：请由审核人重新打开（reopen）后再改",
        "It is approved with another content: have it reopened by its reviewer, then change it",
    ),
}
"""Advice if a submission's state does not allow different content, by that state."""
_APPROVED_STAYS = Text(
    "该填报已审核通过，不能撤回；要更正请由审核人重新打开（reopen）",
    "It is approved and cannot be withdrawn; to correct it have it reopened by its reviewer",
)
_CORRECTION_STAYS = Text(
    "这是对已通过数值的更正，不能撤回；通过之前仍以原数值为准",
    "It corrects an approved value and cannot be withdrawn; the approved one counts meanwhile",
)


def _why_it_stays(state: str) -> Text:
    """Return why a submission cannot be withdrawn in its present state."""
    return _APPROVED_STAYS if state == "approved" else _CORRECTION_STAYS
