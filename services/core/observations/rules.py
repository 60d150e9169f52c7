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
"""How many may be recorded at once."""

ObservationOutcome = Literal["created", "corrected", "unchanged", "rejected"]
"""The first figure of its slot, a changed one, a known one, or one with faults."""

ObservationRow = Mapping[str, Any]
"""The columns of an observation by name."""

ObservedPlace = tuple[str, str, str]
"""The (indicator, unit, period) of a figure."""

_NUMBERS = frozenset({"value", "numerator", "denominator"})


@dataclass(frozen=True, slots=True)
class ObservationDraft:
    """A source's figure as received; `faults` are those of its shape.

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
        """Its (indicator, unit, period)."""
        return self.indicator_code, self.organization_code, self.period


def source_in(plan: PlanState, code: str) -> ObservationSource:
    """Return the source with a code.

    Raises:
        InvalidInput: the plan has no such source.
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
    """Return whether the plan lets the actor record the figures of a source."""
    if not actor.may(Permission.WRITE_SUBMISSIONS) or not actor.is_one_of(source.roles):
        return False
    if not source.units or actor.may(Permission.REPORT_ON_BEHALF):
        return True
    return actor.organization_code in source.units


def refusal_of(source: ObservationSource) -> Forbidden:
    """Return the refusal that names who records the figures of a source."""
    roles, units = "、".join(source.roles), "、".join(source.units)
    return takes(
        f"该数据来源的填报方：{roles}" + (f"，单位 {units}" if units else ""),
        f"a key of {', '.join(source.roles)}"
        + (f" of {', '.join(source.units)}" if units else "")
        + ", which hands in the figures of this source",
    )


def is_withdrawn(row: ObservationRow) -> bool:
    """Return whether a source withdrew its figure and has not given another since."""
    return bool(row["withdrawn_version"] == row["version"])


def check_withdraws(actor: Actor, row: ObservationRow, source: ObservationSource | None) -> None:
    """Check that the actor may withdraw a figure: it records those of the source.

    If the plan no longer has the source (None), the office may. Nobody may withdraw the system's
    own measurements, because they follow the data they are computed from.

    Raises:
        Forbidden: it may not.
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
    """Return the drafts with all their faults, including those between drafts."""
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
    """Return the columns of a draft without faults; its value is computed exactly."""
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
    """Return a source's figure as the history stores it, with decimals as text."""
    at = row["observed_at"]
    return {
        "reference": row["reference"],
        **{name: plain_or_none(row[name]) if name in _NUMBERS else row[name] for name in FORMS},
        "observed_at": None if at is None else at.astimezone(UTC).isoformat(),
        "note": row["note"],
    }


def image_of(row: ObservationRow) -> dict[str, object]:
    """Return an observation as the history stores it after a change."""
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
"""The fault of a reference that was used for another figure."""
