"""Decides the outcome of each write on submissions, given the ledger's state. Pure.

Writes are decided in the order of the call, each after the ones before it: a device may make a
submission, change it and hand it in without hearing from the ledger in between.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.core.checks.figures import Figures
from services.core.conflicts.rules import add_said
from services.core.identity.actor import Actor
from services.core.kit.errors import DomainError, InvalidInput, Stale
from services.core.kit.ids import new_id
from services.core.plan.slots import Slot, slot_of
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.writing import Change
from services.core.submissions.changes import FORMS, edited, form_after, stepped
from services.core.submissions.checking import at_entry
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.conflicts.rules import (
    FIELDS,
    ConflictReason,
    as_said,
    differing,
    merge_fields,
    says,
    shown,
)
from services.core.submissions.creation import SubmissionDraft, draw_up, first_action
from services.core.submissions.errors import (
    PeriodClosed,
    SubmissionExists,
    SubmissionNotFound,
    SubmissionTransitionRefused,
)
from services.core.submissions.judging import value_faults
from services.core.submissions.rules import (
    REMARKS,
    Form,
    Remarks,
    SubmissionAccess,
    SubmissionVerb,
    period_allows,
)
from services.core.submissions.verbs import (
    action_of,
    after_verb,
    check_right,
    check_state,
    indicator_of,
)
from services.core.sync.edits import check_form, columns_wanted
from services.core.sync.writes import (
    BaseVersionUnknown,
    ConflictWaits,
    Write,
    WriteOutcome,
    WriteResult,
)

_COLUMNS = frozenset(name for names in FIELDS.values() for name in names)
"""The columns of a submission that a device may write, and has seen."""


@dataclass(slots=True)
class LedgerState:
    """The ledger's present state, locked until the transaction ends, and its earlier versions.

    `rows` are the submissions that the caller sees, by id; `slots` those that hold a place;
    `taken_ids` all ids of the city, visible or not; `bases` the columns of some versions; `figures`
    the values that the plan's checks compare, updated with each write.
    """

    rows: dict[UUID, SubmissionRow]
    slots: dict[Slot, SubmissionRow]
    taken_ids: frozenset[UUID]
    bases: Mapping[tuple[UUID, int], Mapping[str, Any]]
    periods: Mapping[str, str]
    figures: Figures


@dataclass(slots=True)
class MergingWrites:
    """Decides writes one after another; `changes` and `conflicts` are to be written.

    `changes` are in the order in which they were made, each a version of its submission.
    """

    known: LedgerState
    plan: PlanState
    actor: Actor
    now: datetime
    changes: list[Change] = field(default_factory=list)
    conflicts: dict[UUID, SubmissionConflict] = field(default_factory=dict)
    _seen: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    _same_as: dict[UUID, UUID] = field(default_factory=dict)
    _stood: dict[tuple[UUID, int], SubmissionRow] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the ledger's state before the first write."""
        rows = self.known.rows
        self._stood = {(one, row["version"]): row for one, row in rows.items()}

    def result(self, write: Write) -> WriteResult:
        """Decide a write, and return its result."""
        try:
            if write.faults:
                raise InvalidInput(faults=write.faults)
            match write.kind:
                case "submission.create":
                    return self._create(write)
                case "submission.edit":
                    return self._edit(write)
                case "submission.submit":
                    return self._move(write, "submit")
                case _:
                    return self._move(write, "withdraw")
        except DomainError as refused:
            return WriteResult(write, "refused", write.subject_id, refusal=refused)

    def note_earlier(self, write: Write, subject_id: UUID) -> None:
        """Remember a write that was taken in before, because the device continued from it."""
        seen = self._seen.setdefault(subject_id, {})
        if write.kind == "submission.create":
            self._same_as[write.subject_id] = subject_id
            seen |= dict.fromkeys(FORMS) | asdict(Remarks())
        row = self.known.rows.get(subject_id)
        if row is not None and not write.faults:
            indicator = self.plan.indicators.get(row["indicator_code"])
            seen |= columns_wanted(seen, write.said, indicator)

    def _create(self, write: Write) -> WriteResult:
        plan, slot = self.plan, write.slot
        assert slot is not None  # noqa: S101 (of a creation without faults)
        form = Form(**{name: write.said.get(name) for name in FORMS})
        remarks = Remarks(**{name: write.said[name] for name in REMARKS if name in write.said})
        draft = SubmissionDraft(*slot, form, remarks, write.draft, write.on_behalf_of)
        made = draw_up(draft, plan=plan, actor=self.actor, now=self.now)
        row: SubmissionRow = {**made, "id": write.subject_id}
        present = self.known.slots.get(slot)
        if present is not None:
            return self._taken_place(write, row, present)
        if write.subject_id in self.known.taken_ids or write.subject_id in self.known.rows:
            raise SubmissionExists(extra={"submission_id": str(write.subject_id)})
        state = self.known.periods.get(slot.period, "planned")
        if not period_allows("edit", state):
            raise PeriodClosed(extra={"period": slot.period, "state": state})
        row = self._checked(row)
        self._same_as.pop(row["id"], None)  # the submission that it was mapped to left the place
        in_time = not write.draft and self._made_in_time(write, slot.period)
        if in_time:
            # Two steps, so that its history has the instant from which it counts.
            drafted = {**row, "state": "draft", "submitted_at": None}
            self._note(drafted, "created", write)
            row = {**row, "version": 2}
        self._note(
            row, action_of("submit") if in_time else first_action(row), write, in_time=in_time
        )
        self._seen[write.subject_id] = dict(row)
        return WriteResult(write, "applied", write.subject_id, row["version"], made_in_time=in_time)

    def _taken_place(self, write: Write, row: SubmissionRow, present: SubmissionRow) -> WriteResult:
        self._same_as[write.subject_id] = present["id"]
        self._seen[present["id"]] = dict(row)
        fields = differing(row, present)
        if not fields:
            if present["state"] == "draft" and not write.draft:
                return self._move(write, "submit")
            return WriteResult(write, "unchanged", present["id"], present["version"])
        waiting = self.conflicts.get(present["id"])
        if waiting is not None:
            told = dict.fromkeys((*waiting.fields, *fields))
            wanted = {name: row[name] for one in told for name in FIELDS[one]}
            return self._more_of_conflict(write, waiting, present, wanted)
        return self._conflict(write, "place-taken", present, fields, wanted=row, base=None)

    def _edit(self, write: Write) -> WriteResult:
        row = self._present(write)
        access = self._right("edit", row)
        base = self._base(write, row)
        indicator = indicator_of(row, self.plan)
        check_form(base, write.said, indicator, self.plan, row["period"])
        wanted = columns_wanted(base, write.said, indicator)
        result = self._merged(write, row, access, base, wanted)
        # Only after the merge: a refused write must not count as seen, so that a later write can
        # correct it.
        self._seen[row["id"]] = {**self._seen.get(row["id"], {}), **wanted}
        return result

    def _merged(
        self,
        write: Write,
        row: SubmissionRow,
        access: SubmissionAccess,
        base: Mapping[str, Any],
        wanted: Mapping[str, Any],
    ) -> WriteResult:
        waiting = self.conflicts.get(row["id"])
        if waiting is not None and waiting.reason != "both-changed":
            return self._more_of_conflict(write, waiting, row, wanted, base)
        # A field that is already in conflict stays so; the others are merged as usual.
        kept = () if waiting is None else tuple(one for one in waiting.fields if says(wanted, one))
        free = {
            name: value
            for name, value in wanted.items()
            if not any(name in FIELDS[one] for one in kept)
        }
        merged = merge_fields(base, row, free)
        if not merged.free and not merged.disputed and not kept:
            return WriteResult(write, "unchanged", row["id"], row["version"])
        try:
            check_state(row, "edit", access, self.actor)
        except SubmissionTransitionRefused:
            if row["version"] == write.base_version:
                raise  # the device saw the present state
            fields = tuple(one for one in differing(wanted, row) if says(wanted, one))
            return self._conflict(write, "moved-on", row, fields, wanted=wanted, base=base)
        others = bool(differing(base, row))
        if merged.free:
            row = self._after_edit(write, row, merged.free)
        disputed = (*kept, *merged.disputed)
        if waiting is not None and disputed:
            told = {name: wanted[name] for one in disputed for name in FIELDS[one]}
            return self._more_of_conflict(write, waiting, row, told, base)
        if disputed:
            return self._conflict(write, "both-changed", row, disputed, wanted=wanted, base=base)
        return WriteResult(write, "merged" if others else "applied", row["id"], row["version"])

    def _after_edit(
        self, write: Write, row: SubmissionRow, columns: Mapping[str, Any]
    ) -> SubmissionRow:
        changes, indicator = as_said(columns), indicator_of(row, self.plan)
        form = form_after(row, changes)
        if faults := value_faults(form, indicator, self.plan, row["period"], draft=True):
            raise InvalidInput(faults=faults)
        changed = edited(row, changes, form, indicator=indicator, actor=self.actor)
        return self._note(self._checked(stepped({**row, **changed}, self.now)), "changed", write)

    def _checked(self, row: SubmissionRow) -> SubmissionRow:
        """Return a submission as it is to be written, with the findings of the plan's checks.

        Raises:
            InvalidInput: it would be handed in, and a check blocks it.
        """
        return {**row, **at_entry(row, self.plan, self.actor, self.known.figures)}

    def _move(self, write: Write, verb: SubmissionVerb) -> WriteResult:
        row = self._present(write)
        access = self._right(verb, row)
        if row["id"] in self.conflicts:
            raise ConflictWaits
        base = self._base(write, row)
        unseen = differing(base, row)
        if verb == "submit" and row["state"] == "submitted" and not unseen:
            return WriteResult(write, "unchanged", row["id"], row["version"])
        # Nobody hands in a figure that they have not seen; others' new remarks do not prevent it.
        if "form" in unseen or (verb == "withdraw" and unseen):
            raise Stale(extra={"version": row["version"]})
        changed = after_verb(
            row, verb, access, plan=self.plan, actor=self.actor, reason=None, now=self.now
        )
        in_time = verb == "submit" and self._made_in_time(write, row["period"])
        after = stepped({**row, **changed}, self.now)
        if verb == "submit":
            after = self._checked(after)
        self._note(after, action_of(verb), write, in_time=in_time)
        outcome: WriteOutcome = "merged" if unseen else "applied"
        return WriteResult(write, outcome, row["id"], after["version"], made_in_time=in_time)

    def _present(self, write: Write) -> SubmissionRow:
        """Return the submission of a write as the writes before it leave it.

        Raises:
            SubmissionNotFound: there is none within the caller's scope.
        """
        found = self.known.rows.get(self._same_as.get(write.subject_id, write.subject_id))
        if found is None:
            raise SubmissionNotFound
        return found

    def _right(self, verb: SubmissionVerb, row: SubmissionRow) -> SubmissionAccess:
        access = check_right(self.actor, verb, row, self.plan)
        state = self.known.periods.get(row["period"], "planned")
        return replace(access, period_state=state)

    def _base(self, write: Write, row: SubmissionRow) -> Mapping[str, Any]:
        """Return the device's view before this write: a version, and its own writes since.

        Raises:
            BaseVersionUnknown: the submission never had the version, or none is named and the
                device did not make it in this call.
        """
        seen = self._seen.get(row["id"], {})
        version = write.base_version
        if version is None:
            if seen.keys() >= _COLUMNS:
                return seen
            raise BaseVersionUnknown(extra={"version": row["version"]})
        stood = row["id"], version
        base = self.known.bases.get(stood, self._stood.get(stood))
        if base is None:
            raise BaseVersionUnknown(extra={"version": row["version"]})
        return {**{name: base[name] for name in _COLUMNS}, **seen}

    def _conflict(
        self,
        write: Write,
        reason: ConflictReason,
        row: SubmissionRow,
        fields: tuple[str, ...],
        *,
        wanted: Mapping[str, Any],
        base: Mapping[str, Any] | None,
    ) -> WriteResult:
        conflict = SubmissionConflict(
            kind="device",
            city_code=self.plan.city_code,
            id=new_id(),
            plan_code=self.plan.code,
            submission_id=row["id"],
            indicator_code=row["indicator_code"],
            organization_code=row["organization_code"],
            period=row["period"],
            reason=reason,
            fields=list(fields),
            base=None if base is None else shown(base, fields),
            ledger=shown(row, fields),
            device=shown(wanted, fields),
            claimed_at=write.claimed_at,
            raised_by=self.actor.stamp(),
            raised_at=self.now,
            state="open",
            version=1,
        )
        self.conflicts[row["id"]] = conflict
        return WriteResult(write, "conflict", row["id"], row["version"], conflict_id=conflict.id)

    def _more_of_conflict(
        self,
        write: Write,
        conflict: SubmissionConflict,
        row: SubmissionRow,
        wanted: Mapping[str, Any],
        base: Mapping[str, Any] | None = None,
    ) -> WriteResult:
        """Add a later write of the same call to the conflict of the first."""
        fields = tuple(one for one in FIELDS if says(wanted, one))
        add_said(
            conflict,
            base=None if base is None else shown(base, fields),
            ledger=shown(row, fields),
            device=shown(wanted, fields),
            claimed_at=write.claimed_at,
        )
        conflict.fields = list(dict.fromkeys((*conflict.fields, *fields)))
        return WriteResult(write, "conflict", row["id"], row["version"], conflict_id=conflict.id)

    def _made_in_time(self, write: Write, period: str) -> bool:
        """Return whether the device claims that a late write was made by the due date."""
        due, claimed = self.plan.due_date(period), write.claimed_at
        if due is None or claimed is None:
            return False
        arrived = self.plan.local_date(self.now)
        return self.plan.local_date(claimed) <= due < arrived

    def _counts_from(self, write: Write, period: str) -> datetime | None:
        """Return the instant from which the plan counts a late arrival; None: from its arrival."""
        due, grace = self.plan.due_date(period), self.plan.document.supervision.offline_grace_days
        if due is None or self.plan.local_date(self.now) > due + timedelta(days=grace):
            return None
        return write.claimed_at

    def _note(
        self, row: SubmissionRow, action: str, write: Write, *, in_time: bool = False
    ) -> SubmissionRow:
        counts_from = self._counts_from(write, row["period"]) if in_time else None
        change = Change(row, action, claimed_at=write.claimed_at, counts_from=counts_from)
        self.changes.append(change)
        self._stood[row["id"], row["version"]] = row
        self.known.rows[row["id"]] = row
        self.known.figures.lay_over(row)
        slot = slot_of(row)
        if row["state"] == "withdrawn":
            self.known.slots.pop(slot, None)
        else:
            self.known.slots[slot] = row
        return row
