"""The items of packages and receipts as lines of JSON, and as rows of a batch. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, ValidationError
from pydantic_core import to_json

from services.core.checks.findings import shows_figures, told
from services.core.identity.actor import Actor
from services.core.kit.decimals import ExactDecimal
from services.core.kit.errors import Fault
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.faults import faults_of
from services.core.kit.said import CodeIn, LongWords, Said
from services.core.plan.slots import Slot
from services.core.plan.state import PlanState
from services.core.submissions.batch.deciding import Decided
from services.core.submissions.batch.rows import Batch, BatchRow
from services.core.submissions.changes import FORMS
from services.core.submissions.judging import doubts_of, why_not_counted
from services.core.submissions.rules import REMARKS, DataStatus

ItemOutcome = Literal["created", "updated", "unchanged", "deleted", "refused"]
OUTCOMES: tuple[ItemOutcome, ...] = ("created", "updated", "unchanged", "deleted", "refused")
"""The possible outcomes of an item in a receipt."""

_COMPUTED = {"value": None, "not_applicable_reason": None}
_NONE_THERE = "submission-missing"
_STANDS = frozenset({"created", "updated", "unchanged"})


class CarriedSaid(Said):
    """What another installation says of a place: what counts there, or that nothing does."""

    operation: Literal["upsert", "delete"]
    indicator_code: CodeIn
    organization_code: CodeIn
    period: CodeIn
    value: ExactDecimal | None = None
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    level: CodeIn | None = None
    not_applicable_reason: LongWords | None = None
    data_status: DataStatus = "final"
    note: LongWords | None = None
    source: LongWords | None = None
    justification: LongWords | None = None


class FigureItem(CarriedSaid):
    """An item of a package.

    `submission_id` and `revision` are its sender's; `position` is where its log last told of it.
    """

    submission_id: UUID
    revision: Annotated[int, Field(ge=1)]
    position: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class CarriedFigure:
    """The figure that counts at a place of the sender, as in its history; None: no figure."""

    place: Slot
    submission_id: UUID
    revision: int
    position: int
    image: Mapping[str, Any] | None


def figure_line(figure: CarriedFigure) -> bytes:
    """Return the line of a figure."""
    said: dict[str, Any] = {
        "submission_id": figure.submission_id,
        "revision": figure.revision,
        "position": figure.position,
        "operation": "delete" if figure.image is None else "upsert",
        **figure.place._asdict(),
    }
    return to_json(said | figure_columns(figure.image))


def figure_columns(image: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a figure from its history by the names of a submission's members; None: there is none.

    A computed value yields to what it was computed from.
    """
    if image is None:
        return {}
    form = {name: image[name] for name in FORMS}
    form |= _COMPUTED if form["numerator"] is not None else {}
    beside = {name: image.get(name) for name in REMARKS}
    return {name: one for name, one in {**form, **beside}.items() if one is not None}


def batch_of_lines(lines: Sequence[bytes]) -> Batch:
    """Return the items of a package as a batch; faults of a line stay with its row."""
    return Batch([_row(index, line) for index, line in enumerate(lines)], "upsert")


def _row(index: int, line: bytes) -> BatchRow:
    try:
        raw = read_json(line)
    except MalformedBody as error:
        fault = Fault("", error.code, error.detail or error.title)
        return BatchRow(index, "upsert", Slot("", "", ""), {}, draft=False, faults=(fault,))
    return row_of(index, raw, FigureItem)


def row_of(index: int, raw: object, shape: type[CarriedSaid]) -> BatchRow:
    """Return a carried item as a row of a batch, with the faults of its shape."""
    try:
        item = shape.model_validate(raw)
    except ValidationError as error:
        faults = tuple(faults_of(error.errors(include_url=False)))
        return BatchRow(index, "upsert", _slot_in(raw), {}, draft=False, faults=faults)
    slot = Slot(item.indicator_code, item.organization_code, item.period)
    if item.operation == "delete":
        # Only values that packages wrote are deleted, not those that somebody wrote here.
        return BatchRow(index, "delete", slot, {}, draft=False, only_own=True)
    said = {name: getattr(item, name) for name in (*FORMS, *REMARKS)}
    return BatchRow(index, "upsert", slot, said, draft=False)


def _slot_in(raw: object) -> Slot:
    if not isinstance(raw, dict):
        return Slot("", "", "")
    told = [raw.get(name) for name in Slot._fields]
    return Slot(*(one if isinstance(one, str) else "" for one in told))


def receipt_lines(decided: Iterable[Decided], plan: PlanState, actor: Actor) -> list[bytes]:
    """Return the lines of a receipt: each item's outcome, the reasons of refusals, and warnings.

    `actor` is the writer of the items: no figure beyond its reach is disclosed.
    """
    return [to_json(_answer(one, warned_of(one, plan, actor))) for one in decided]


def outcome_of(one: Decided) -> tuple[str, Sequence[Fault]]:
    """Return the outcome of a carried figure, and the reasons if it was refused."""
    # The figure that was withdrawn at the sender does not exist here either, so nothing is to do.
    if [fault.code for fault in one.faults] == [_NONE_THERE]:
        return "unchanged", ()
    return ("refused" if one.outcome in {"rejected", "skipped"} else one.outcome), one.faults


def warned_of(one: Decided, plan: PlanState, actor: Actor) -> list[Fault]:
    """Return why the figure now in the ledger cannot count, and what checks found in it."""
    row = one.submission
    if row is None or one.outcome not in _STANDS:
        return []
    uncounted = why_not_counted(row, plan)
    warned = [] if uncounted is None else [Fault("", uncounted.code, uncounted.words)]
    for found in doubts_of(row, plan):
        said = told(found, figures=shows_figures(found, actor, plan))
        warned.append(Fault("", found.code, said))
    return warned


def _answer(one: Decided, warned: Sequence[Fault]) -> dict[str, Any]:
    outcome, faults = outcome_of(one)
    answer = {"index": one.index, **one.slot._asdict(), "outcome": outcome}
    answer |= {"errors": [_as_told(fault) for fault in faults]}
    return {**answer, "warnings": [_as_told(fault) for fault in warned]} if warned else answer


def _as_told(fault: Fault) -> dict[str, str]:
    return {
        "pointer": fault.pointer,
        "code": fault.code,
        "detail": fault.detail.zh,
        "detail_en": fault.detail.en,
    }


class AnsweredFault(Said):
    """A reason for a refusal or a warning."""

    pointer: str
    code: str
    detail: str
    detail_en: str


class AnsweredItem(Said):
    """The outcome of an item in a receipt; `index` counts from 0.

    `warnings` are given only if there are any.
    """

    index: Annotated[int, Field(ge=0)]
    indicator_code: str
    organization_code: str
    period: str
    outcome: ItemOutcome
    errors: list[AnsweredFault]
    warnings: list[AnsweredFault] = Field(default_factory=list)


def answers_in(lines: Sequence[bytes]) -> list[AnsweredItem]:
    """Parse the lines of a receipt.

    Raises:
        ValueError: a line is none of a receipt's.
    """
    return [AnsweredItem.model_validate_json(one) for one in lines]


def counts_of(answers: Iterable[AnsweredItem]) -> dict[str, int]:
    """Return the number of items by outcome."""
    counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for one in answers:
        counts[one.outcome] += 1
    return counts
