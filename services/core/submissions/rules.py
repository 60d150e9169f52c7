"""The rules of a reported value and of its review. Pure: no session, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, get_args

from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.decimals import quotient, times
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.document import Indicator
from services.core.submissions.authorship import Authors

SubmissionState = Literal["draft", "submitted", "returned", "approved", "withdrawn"]
SubmissionVerb = Literal["edit", "submit", "withdraw", "approve", "return", "reopen", "falsify"]
DataStatus = Literal["provisional", "final"]

TRANSITIONS: Mapping[tuple[SubmissionState, SubmissionVerb], SubmissionState] = {
    ("draft", "edit"): "draft",
    ("draft", "submit"): "submitted",
    ("draft", "withdraw"): "withdrawn",
    ("returned", "edit"): "returned",
    ("returned", "submit"): "submitted",
    ("returned", "withdraw"): "withdrawn",
    ("submitted", "withdraw"): "withdrawn",
    ("submitted", "approve"): "approved",
    ("submitted", "return"): "returned",
    ("approved", "reopen"): "returned",
    ("approved", "falsify"): "approved",
}
"""The state machine: (state, verb) to state. A pair that is not listed is refused."""

WRITING_VERBS: frozenset[SubmissionVerb] = frozenset({"edit", "submit", "withdraw"})
"""The verbs of reporters. The others are review."""


CLOSED_VERBS: frozenset[SubmissionVerb] = frozenset({"approve", "return", "falsify"})
"""The verbs that a closed period still allows: deciding on values submitted before. A published
period allows none."""


def period_allows(verb: SubmissionVerb, period_state: str) -> bool:
    """Return whether the state of a submission's period allows a verb, for any actor."""
    if period_state == "published":
        return False
    return period_state != "closed" or verb in CLOSED_VERBS


@dataclass(frozen=True, slots=True)
class SubmissionAccess:
    """The facts that the right to act on a submission depends on.

    `authors` wrote or handed in the revision under review; `leads` are the units that lead its
    indicator. `correcting` is true while an approved revision still counts and this one corrects
    it; `period_state` is that of its period. `dropped`: the plan in force no longer has its
    indicator.
    """

    state: SubmissionState
    organization_code: str
    authors: Authors
    leads: tuple[str, ...]
    correcting: bool
    falsified: bool
    period_state: str = "planned"
    dropped: bool = False


def writes_for(actor: Actor, organization_code: str) -> bool:
    """Return whether the actor may report for an organization: its own, or any."""
    if not actor.may(Permission.WRITE_SUBMISSIONS):
        return False
    if actor.may(Permission.REPORT_FOR_ANY_UNIT):
        return True
    return actor.organization_code == organization_code


def reviews(actor: Actor, leads: tuple[str, ...]) -> bool:
    """Return whether the actor may review values of an indicator that is led by `leads`."""
    if not actor.may(Permission.REVIEW_SUBMISSIONS):
        return False
    return actor.may(Permission.REVIEW_ANY_SUBMISSION) or actor.organization_code in leads


def has_right(actor: Actor, verb: SubmissionVerb, access: SubmissionAccess) -> bool:
    """Return whether the actor has the right to a verb, in any state.

    No author of a revision, and no key of an author's unit, may approve or return it. Authors may
    act against themselves: they may ask for a correction, and the office may call its own report
    false.
    """
    if verb in WRITING_VERBS:
        return writes_for(actor, access.organization_code)
    if verb == "falsify":
        return actor.may(Permission.FALSIFY_SUBMISSIONS) and reviews(actor, access.leads)
    if not reviews(actor, access.leads):
        return False
    return verb == "reopen" or not access.authors.include(actor)


def state_allows(verb: SubmissionVerb, access: SubmissionAccess) -> bool:
    """Return whether the state allows a verb, for any actor."""
    if (access.state, verb) not in TRANSITIONS:
        return False
    # An approved value counts until its correction is approved. So a correction is not withdrawn:
    # otherwise the value in force would lose its submission.
    if verb == "withdraw" and access.correcting:
        return False
    if access.dropped and not _allowed_of_dropped(verb, access):
        return False
    return not (verb == "falsify" and access.falsified)


def _allowed_of_dropped(verb: SubmissionVerb, access: SubmissionAccess) -> bool:
    """Return whether a verb makes sense if the plan no longer has the indicator.

    Nothing can be written for a missing indicator. So a correction can be neither begun nor
    returned: nobody could finish it, and a correction cannot be withdrawn.
    """
    if verb == "return":
        return not access.correcting
    return verb not in {"edit", "submit", "reopen"}


_VERBS_IN: Mapping[SubmissionState, tuple[SubmissionVerb, ...]] = {
    state: tuple(verb for at, verb in TRANSITIONS if at == state)
    for state in get_args(SubmissionState)
}
"""The verbs that a state may allow, precomputed because a list needs them for every row."""


def allowed_actions(actor: Actor, access: SubmissionAccess) -> list[SubmissionVerb]:
    """Return the verbs that this actor may use on this submission now."""
    return [
        verb
        for verb in _VERBS_IN[access.state]
        if state_allows(verb, access)
        and period_allows(verb, access.period_state)
        and has_right(actor, verb, access)
    ]


@dataclass(frozen=True, slots=True)
class Form:
    """The reported value as received: at most one of the four forms may be filled."""

    value: Decimal | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    level: str | None = None
    not_applicable_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Remarks:
    """The columns beside the value, with the same names in history and in the API."""

    data_status: DataStatus = "final"
    note: str | None = None
    source: str | None = None
    justification: str | None = None


REMARKS = tuple(one.name for one in fields(Remarks))


@dataclass(frozen=True, slots=True)
class Reported:
    """The stored value: the form with its computed value, or the reason why there is none."""

    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    level: str | None
    not_applicable_reason: str | None

    @property
    def columns(self) -> dict[str, Any]:
        """The stored value by column."""
        return {
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "level": self.level,
            "not_applicable_reason": self.not_applicable_reason,
        }


def form_faults(form: Form, indicator: Indicator, *, draft: bool) -> list[Fault]:
    """Return all faults of a form; a draft may lack its value."""
    faults = []
    forms = _forms_given(form, indicator)
    if len(forms) > 1:
        faults.append(
            Fault(
                "",
                "more-than-one-form",
                Text(
                    "数值、分子分母、等级、不适用原因只能填一种",
                    "Give one of value, numerator with denominator, level, not_applicable_reason",
                ),
                ", ".join(forms),
            )
        )
    if not forms and not draft:
        faults.append(
            Fault("", "value-missing", Text("缺少填报内容", "A submission carries a value"))
        )
    faults.extend(_ratio_faults(form))
    faults.extend(_level_faults(form, indicator))
    return faults


def _forms_given(form: Form, indicator: Indicator) -> list[str]:
    given = []
    beside = indicator.level_with_value and form.level is not None
    if form.value is not None and not beside:
        given.append("value")
    if form.numerator is not None or form.denominator is not None:
        given.append("numerator")
    if form.level is not None:
        given.append("level")
    if form.not_applicable_reason is not None:
        given.append("not_applicable_reason")
    return given


def _ratio_faults(form: Form) -> list[Fault]:
    if form.numerator is None and form.denominator is None:
        return []
    if form.numerator is None or form.denominator is None:
        missing = "numerator" if form.numerator is None else "denominator"
        return [
            Fault(
                f"/{missing}",
                "ratio-incomplete",
                Text("分子与分母须同时填写", "Numerator and denominator belong together"),
            )
        ]
    if form.denominator == 0 and form.numerator != 0:
        return [
            Fault(
                "/denominator",
                "division-by-zero",
                Text("分母为 0 而分子不为 0", "The denominator is 0 and the numerator is not"),
                "0",
            )
        ]
    return []


def _level_faults(form: Form, indicator: Indicator) -> list[Fault]:
    codes = [level.code for level in indicator.levels]
    if form.level is not None and form.level not in codes:
        return [
            Fault(
                "/level",
                "unknown-level",
                Text(
                    f"该指标的等级为：{'、'.join(codes) or '无'}",
                    f"The levels of this indicator are: {', '.join(codes) or 'none'}",
                ),
                form.level,
            )
        ]
    if indicator.level_with_value and form.level is not None and form.numerator is None:
        return []
    if codes and (form.value is not None or form.numerator is not None):
        return [
            Fault(
                "/value" if form.value is not None else "/numerator",
                "level-expected",
                Text("该指标按等级填报", "This indicator is reported by level"),
            )
        ]
    return []


ZERO_OVER_ZERO = "分子与分母均为 0 (0 ÷ 0)"


def reported(form: Form, indicator: Indicator) -> Reported:
    """Compute the stored value of a form without faults; a ratio's value is exact.

    value = numerator ÷ denominator × multiplier, at scale 20, half even. 0 ÷ 0 is not applicable,
    never 0 and never 100.
    """
    value, reason = form.value, form.not_applicable_reason
    if form.numerator is not None and form.denominator is not None:
        if form.denominator == 0:
            reason = ZERO_OVER_ZERO
        else:
            value = quotient(times(form.numerator, multiplier(indicator)), form.denominator)
    return Reported(value, form.numerator, form.denominator, form.level, reason)


def multiplier(indicator: Indicator) -> Decimal:
    """Return the factor of this indicator's ratios: 100 for a percentage, else 1."""
    if indicator.multiplier is not None:
        return indicator.multiplier
    if indicator.formula is not None and indicator.formula.multiplier is not None:
        return indicator.formula.multiplier
    return Decimal(1)
