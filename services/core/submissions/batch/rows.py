"""The rows of a batch, and all faults that can be found before any lookup. Pure.

Each code is checked against the plan once, however many rows use it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from services.core.identity.actor import Actor
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import (
    parsed_period,
    unknown_indicators,
    unknown_organizations,
)
from services.core.submissions.changes import FORMS
from services.core.submissions.creation import behalf_faults, organization_faults, reference_faults
from services.core.submissions.judging import period_faults, value_faults
from services.core.submissions.rules import Form, writes_for

MOST_ROWS = 10_000

Strategy = Literal["upsert", "create_only", "update_only", "delete", "replace"]
RowOperation = Literal["upsert", "create", "update", "delete"]
RowOutcome = Literal["created", "updated", "unchanged", "deleted", "rejected", "skipped"]
"""The outcome of a row. `skipped`: it is valid, but another row of the batch was rejected."""

OPERATION_OF: Mapping[Strategy, RowOperation] = {
    "upsert": "upsert",
    "create_only": "create",
    "update_only": "update",
    "delete": "delete",
    "replace": "upsert",
}
"""The operation of a row that does not state one."""


@dataclass(frozen=True, slots=True)
class BatchScope:
    """The slots that a `replace` lists completely: those of a period, or a part of them."""

    period: str
    organization_code: str | None = None
    indicator_code: str | None = None

    def covers(self, slot: Slot) -> bool:
        """Return whether a slot lies in the scope."""
        return (
            slot.period == self.period
            and self.organization_code in {None, slot.organization_code}
            and self.indicator_code in {None, slot.indicator_code}
        )


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row: its slot, its operation, and the columns that it sets.

    `index` counts from 0. `faults` are those of its shape; a row with faults may lack a part of its
    slot, which is then empty. A row with `as_made` came back exactly as a form was issued: if its
    slot is empty, it changes nothing. A `delete` with `only_own` withdraws a submission only if the
    actor reported it, or if it came from another installation.
    """

    index: int
    operation: RowOperation
    slot: Slot
    said: Mapping[str, Any]
    draft: bool
    on_behalf_of: bool | str | None = None
    faults: tuple[Fault, ...] = ()
    as_made: bool = False
    only_own: bool = False

    @property
    def says_form(self) -> bool:
        """Whether the row gives a value, in any form."""
        return not self.said.keys().isdisjoint(FORMS)

    @property
    def form(self) -> Form:
        """The form that the row gives; empty if it gives none."""
        return Form(**{name: self.said.get(name) for name in FORMS})


@dataclass(frozen=True, slots=True)
class Batch:
    """The request of a batch."""

    rows: Sequence[BatchRow]
    strategy: Strategy
    atomic: bool = False
    scope: BatchScope | None = None


@dataclass(slots=True)
class JudgedRows:
    """The rows without faults so far, and the faults of the others by index.

    `holds_back` is why a `replace` withdraws nothing beside its rows; None: it may.
    """

    rows: list[BatchRow] = field(default_factory=list)
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    holds_back: Fault | None = None


def judge(batch: Batch, *, plan: PlanState, actor: Actor, today: date) -> JudgedRows:
    """Validate each row by itself and against the others, without any lookup.

    Raises:
        InvalidInput: the scope of a `replace` is missing or wrong, or another strategy has a scope.
    """
    _check_scope(batch, plan)
    codes = _Codes([row.slot for row in batch.rows], plan, today)
    judged = JudgedRows()
    twice = _given_twice(batch.rows)
    unplaced = []
    for row in batch.rows:
        misplaced = codes.faults(row.slot)
        if misplaced or not all(row.slot):
            unplaced.append(row.index)
        faults = [*row.faults, *misplaced]
        if not faults:
            faults += behalf_faults(row.on_behalf_of, row.slot.organization_code, actor)
            faults += _row_faults(row, plan)
        known = row.slot.organization_code in plan.organizations
        if known and not writes_for(actor, row.slot.organization_code):
            faults.append(_NOT_YOURS)
        if batch.scope is not None and not row.faults and not batch.scope.covers(row.slot):
            faults.append(_OUTSIDE)
        if row.index in twice:
            faults.append(_duplicate(twice[row.index]))
        if faults:
            judged.faults[row.index] = [at_row(row.index, one) for one in faults]
        else:
            judged.rows.append(row)
    if batch.scope is not None:
        judged.holds_back = _held_back(batch.rows, batch.scope, unplaced)
    return judged


def _held_back(
    rows: Sequence[BatchRow], scope: BatchScope, unplaced: Sequence[int]
) -> Fault | None:
    """Return why it is unclear which slots of a scope the rows leave out; None: it is clear."""
    if unplaced:
        named = _listed(unplaced)
        words = Text(
            f"未撤回：第 {named} 行（从 0 起）看不出写的是哪一处，可能就是这一条；请改正后整批重发",
            f"Not withdrawn: which place rows {named} (from 0) name is not clear, and it may be"
            " this one; correct them and send the whole batch again",
        )
        return Fault("/items", "rows-unplaced", words, list(unplaced[:_MOST_NAMED]))
    if not any(scope.covers(row.slot) for row in rows):
        words = Text(
            "未撤回：没有一行写的是 scope 所写的范围；要撤回请用 delete 逐条写明",
            "Not withdrawn: no row lies within `scope`; to withdraw, name each with `delete`",
        )
        return Fault("/scope", "scope-without-rows", words)
    return None


def at_row(index: int, fault: Fault) -> Fault:
    """Return a row's fault with its pointer in the whole body."""
    return replace(fault, pointer=f"/items/{index}{fault.pointer}")


_NOT_YOURS = Fault(
    "/organization_code",
    "not-your-organization",
    Text("只能为本单位填报", "You report for your own unit only"),
)
_OUTSIDE = Fault(
    "",
    "outside-scope",
    Text(
        "该行不在 scope 所写的范围内，replace 只能写该范围",
        "The row lies outside `scope`, and a `replace` writes nothing else",
    ),
)
_NO_VALUE_TAKEN = Text(
    "delete 的行只写 indicator_code、organization_code 和 period",
    "A row that is deleted names indicator_code, organization_code and period only",
)


def _row_faults(row: BatchRow, plan: PlanState) -> list[Fault]:
    if row.operation == "delete":
        return [
            Fault(f"/{name}", "extra-forbidden", _NO_VALUE_TAKEN)
            for name in row.said
            if row.said[name] is not None
        ]
    if not row.says_form:  # whether the row needs one depends on the present submission
        return []
    indicator = plan.indicators[row.slot.indicator_code]
    return value_faults(row.form, indicator, plan, row.slot.period, draft=row.draft)


class _Codes:
    """The faults of the slots' codes: each code is validated once, however many rows use it."""

    def __init__(self, slots: Sequence[Slot], plan: PlanState, today: date) -> None:
        self._plan = plan
        self._today = today
        units = sorted({slot.organization_code for slot in slots})
        self._indicators = _by_code(
            unknown_indicators(
                plan, _at("/indicator_code", {slot.indicator_code for slot in slots})
            )
        )
        self._units = _by_code(unknown_organizations(plan, _at("/organization_code", units)))
        self._units |= {
            code: tuple(organization_faults(code, plan))
            for code in units
            if code in plan.organizations
        }
        self._periods = {code: self._of_period(code) for code in {slot.period for slot in slots}}

    def faults(self, slot: Slot) -> list[Fault]:
        """Return the faults of a slot; missing codes were reported before."""
        return [
            *(self._indicators.get(slot.indicator_code, ()) if slot.indicator_code else ()),
            *(self._units.get(slot.organization_code, ()) if slot.organization_code else ()),
            *(self._periods[slot.period] if slot.period else ()),
        ]

    def _of_period(self, code: str) -> tuple[Fault, ...]:
        return tuple(period_faults(code, self._plan, self._today))


def _at(place: str, codes: Iterable[str]) -> list[tuple[str, str]]:
    return [(place, code) for code in sorted(codes)]


def _by_code(faults: Iterable[Fault]) -> dict[str, tuple[Fault, ...]]:
    return {str(fault.value): (fault,) for fault in faults}


def _given_twice(rows: Iterable[BatchRow]) -> Mapping[int, Sequence[int]]:
    """Map the index of each row whose slot occurs more than once to all indexes of that slot."""
    slots: defaultdict[Slot, list[int]] = defaultdict(list)
    for row in rows:
        if all(row.slot):
            slots[row.slot].append(row.index)
    return {index: found for found in slots.values() if len(found) > 1 for index in found}


_MOST_NAMED = 20


def _duplicate(indexes: Sequence[int]) -> Fault:
    named = _listed(indexes)
    return Fault(
        "",
        "duplicate-row",
        Text(
            f"同一指标、单位、周期在本批中出现多次：第 {named} 行（从 0 起）",
            f"Indicator, organization and period occur in several rows: {named}, from 0",
        ),
        list(indexes[:_MOST_NAMED]),
    )


def _listed(indexes: Sequence[int]) -> str:
    more = ", …" if len(indexes) > _MOST_NAMED else ""
    return ", ".join(str(index) for index in indexes[:_MOST_NAMED]) + more


def _check_scope(batch: Batch, plan: PlanState) -> None:
    """Refuse a scope that is missing, wrong, or not allowed by the strategy."""
    scope = batch.scope
    if batch.strategy != "replace":
        if scope is not None:
            raise InvalidInput(
                faults=[
                    Fault(
                        "/scope",
                        "scope-not-taken",
                        Text(
                            f"只有 strategy 为 replace 时才写 scope，不能与 {batch.strategy} 同用",
                            f"A scope goes with the strategy replace, not with {batch.strategy}",
                        ),
                    )
                ]
            )
        return
    if scope is None:
        raise InvalidInput(
            faults=[
                Fault(
                    "/scope",
                    "missing",
                    Text(
                        '请用 scope 写明要整体替换的范围，如 {"period": "2025-09"}',
                        'Say in scope what is replaced as a whole, such as {"period": "2025-09"}',
                    ),
                )
            ]
        )
    faults = reference_faults(scope.indicator_code, scope.organization_code, plan)
    try:
        parsed_period(plan, scope.period, "/period")
    except InvalidInput as error:
        faults += error.faults
    if faults:
        raise InvalidInput(faults=[replace(one, pointer=f"/scope{one.pointer}") for one in faults])
