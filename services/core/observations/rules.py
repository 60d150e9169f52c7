"""Who may report the figures of a source, and the faults of one. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from services.core.identity.actor import Actor
from services.core.identity.errors import takes
from services.core.identity.rules import Permission
from services.core.kit.decimals import plain_or_none
from services.core.kit.errors import Fault, Forbidden, InvalidInput
from services.core.kit.nearest import with_closest
from services.core.kit.text import Text
from services.core.plan.observing import ObservationSource
from services.core.plan.state import PlanState
from services.core.submissions.changes import FORMS
from services.core.submissions.creation import reference_faults
from services.core.submissions.judging import negative_parts, period_faults
from services.core.submissions.rules import Form, form_faults, reported

MOST_OBSERVATIONS = 1000
"""How many may be handed in at once."""

ObservationOutcome = Literal["created", "corrected", "unchanged", "rejected"]
"""A first figure of its place, another than before, one that is known already, or none."""

ObservationRow = Mapping[str, Any]
"""The columns of an observation by name."""

ObservedPlace = tuple[str, str, str]
"""Of which indicator, unit and period a figure is."""

_NUMBERS = frozenset({"value", "numerator", "denominator"})


@dataclass(frozen=True, slots=True)
class ObservationDraft:
    """What a source says of one figure, as it came in; with `faults` its shape is wrong.

    `index` counts from 0.
    """

    index: int
    indicator_code: str = ""
    organization_code: str = ""
    period: str = ""
    reference: str = ""
    form: Form = field(default_factory=Form)
    observed_at: datetime | None = None
    note: str | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def place(self) -> ObservedPlace:
        """Of which indicator, unit and period it is."""
        return self.indicator_code, self.organization_code, self.period


def source_in(plan: PlanState, code: str) -> ObservationSource:
    """Return the source of a code.

    Raises:
        InvalidInput: the plan names none of this code.
    """
    found = plan.sources.get(code)
    if found is not None:
        return found
    said = Text("计划中没有该数据来源", "The plan names no such source")
    if not plan.sources:
        said = Text(
            "计划未列出其他数据来源：请领导小组办公室在计划的 observations.sources 中写明",
            "The plan names no other source: ask the office to state it in `observations.sources`",
        )
    shown = {name: one.code for one in plan.sources.values() for name in (one.name, one.code)}
    fault = Fault("/source_code", "unknown-source", with_closest(said, code, shown), code)
    raise InvalidInput(faults=[fault])


def records_for(actor: Actor, source: ObservationSource) -> bool:
    """Return whether the actor hands in the figures of a source, as the plan says."""
    if not actor.may(Permission.WRITE_SUBMISSIONS) or not actor.is_one_of(source.roles):
        return False
    if not source.units or actor.may(Permission.REPORT_ON_BEHALF):
        return True
    return actor.organization_code in source.units


def refusal_of(source: ObservationSource) -> Forbidden:
    """Return the refusal that says who hands in the figures of a source."""
    roles, units = "、".join(source.roles), "、".join(source.units)
    return takes(
        f"该数据来源的填报方：{roles}" + (f"，单位 {units}" if units else ""),
        f"a key of {', '.join(source.roles)}"
        + (f" of {', '.join(source.units)}" if units else "")
        + ", which hands in the figures of this source",
    )


def is_withdrawn(row: ObservationRow) -> bool:
    """Return whether a source took back what it said of a figure, and said nothing since."""
    return bool(row["withdrawn_version"] == row["version"])


def check_withdraws(actor: Actor, row: ObservationRow, source: ObservationSource | None) -> None:
    """Let the actor pass who takes back a figure: whoever hands in those of its source.

    Where the plan names the source no longer (None), the office does. What the system itself
    measured nobody takes back: it follows what it is measured from.

    Raises:
        Forbidden: it does not.
    """
    if row["recorded_by"]["kind"] == "system":
        raise takes(
            "系统本身：由台账计算的数值随台账更正",
            "the system itself: what is measured from a register follows the register",
        )
    if source is not None:
        if not records_for(actor, source):
            raise refusal_of(source)
    elif not actor.may(Permission.REPORT_ON_BEHALF):
        raise takes(
            "领导小组办公室（office）：计划已不列该数据来源",
            "the office: the plan names this source no longer",
        )


def judged(
    drafts: Sequence[ObservationDraft], plan: PlanState, today: date
) -> list[ObservationDraft]:
    """Return what was handed in with everything that is wrong with each, beside the others too."""
    together: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for draft in drafts:
        if not draft.faults:
            together[draft.place].append(draft.index)
    return [
        replace(draft, faults=(*draft.faults, *_faults(draft, plan, today, together)))
        for draft in drafts
    ]


def _faults(
    draft: ObservationDraft,
    plan: PlanState,
    today: date,
    together: Mapping[tuple[str, str, str], Sequence[int]],
) -> list[Fault]:
    faults = reference_faults(draft.indicator_code or None, draft.organization_code or None, plan)
    if draft.period:
        faults += period_faults(draft.period, plan, today)
    if draft.faults:
        return faults
    indicator = plan.indicators.get(draft.indicator_code)
    if indicator is not None:
        faults += form_faults(draft.form, indicator, draft=False)
        faults += negative_parts(draft.form, indicator, plan)
    rows = together[draft.place]
    if len(rows) > 1:
        words = Text(
            f"同一指标、单位、周期在本批出现多次：第 {'、'.join(map(str, rows))} 行",
            f"The same indicator, unit and period stand in rows {', '.join(map(str, rows))}",
        )
        faults.append(Fault("", "duplicate-row", words))
    return faults


def columns_of_draft(draft: ObservationDraft, plan: PlanState) -> dict[str, Any]:
    """Return the columns that a draft without faults fills; its value is computed exactly."""
    kept = reported(draft.form, plan.indicators[draft.indicator_code])
    return {
        "indicator_code": draft.indicator_code,
        "organization_code": draft.organization_code,
        "period": draft.period,
        "reference": draft.reference,
        **{name: getattr(kept, name) for name in FORMS},
        "observed_at": None if draft.observed_at is None else draft.observed_at.astimezone(UTC),
        "note": draft.note,
    }


def said_by(row: ObservationRow) -> dict[str, object]:
    """Return what a source says with one figure, as history keeps it; decimals as text."""
    at = row["observed_at"]
    return {
        "reference": row["reference"],
        **{name: plain_or_none(row[name]) if name in _NUMBERS else row[name] for name in FORMS},
        "observed_at": None if at is None else at.astimezone(UTC).isoformat(),
        "note": row["note"],
    }


def image_of(row: ObservationRow) -> dict[str, object]:
    """Return what history keeps of an observation after a change."""
    return {
        "plan": row["plan_code"],
        "source_code": row["source_code"],
        "indicator_code": row["indicator_code"],
        "organization_code": row["organization_code"],
        "period": row["period"],
        **said_by(row),
    }


REFERENCE_REUSED = Fault(
    "/reference",
    "reference-reused",
    Text(
        "该来源已用此 reference 报过另一数值：更正请用新的 reference",
        "The source gave another figure under this reference: a correction takes a new one",
    ),
)
"""What is told of a reference that stands for another figure already."""
