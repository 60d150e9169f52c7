"""The value of a measure, and which measures a change of rows may affect. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.kit.decimals import quotient, times
from services.core.plan.register_entries import Register, RegisterMeasure
from services.core.plan.state import PlanState
from services.core.registers.measures.surveys import SurveyGroup, SurveyShare, survey_share
from services.core.submissions.rules import Form, multiplier


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of a measure for a period, and for a unit or (None) the city.

    A number is None if no row has one. `row_count` rows were counted or summed. `groups` are the
    answers of a survey.
    """

    period: str
    organization_code: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    row_count: int
    groups: tuple[SurveyGroup, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether no row at all contributes to the figure."""
        return self.row_count == 0 and not self.denominator

    def form(self, measure: RegisterMeasure) -> Form | None:
        """Return the figure in the form of a report; None: there is none to report."""
        if measure.survey is not None:
            return self._form_of(survey_share(self.groups, measure.survey))
        if self.numerator is None:
            return None
        above = times(self.numerator, measure.times)
        if measure.denominator is None:
            return Form(value=above)
        if self.denominator is None or (self.denominator == 0 and above != 0):
            return None
        return Form(numerator=above, denominator=self.denominator)

    @staticmethod
    def _form_of(found: SurveyShare) -> Form | None:
        if found.numerator is None:
            return None
        return Form(numerator=found.numerator, denominator=found.denominator)


def with_what_is_gone(
    measured: Sequence[Measured],
    before: Collection[tuple[str, str]],
    measure: RegisterMeasure,
) -> list[Measured]:
    """Return the results, and an empty one wherever only a figure `before` exists.

    `before` are units and periods. If all rows of a figure are gone, it becomes 0.
    """
    of_units = measure.per == "unit"
    periods = {period for _, period in before}

    def had_one(one: Measured) -> bool:
        if of_units:
            return (one.organization_code, one.period) in before
        return one.period in periods

    found = [
        replace(one, numerator=Decimal(0)) if one.numerator is None and had_one(one) else one
        for one in measured
    ]
    there = {(one.organization_code, one.period) for one in found}
    below = None if measure.denominator is None else Decimal(0)
    gone = [
        Measured(period, unit, Decimal(0), below, 0)
        for unit, period in sorted(before)
        if of_units and (unit, period) not in there
    ]
    return [*found, *gone]


def shown_value(form: Form | None, plan: PlanState, indicator_code: str | None) -> Decimal | None:
    """Return the exact value of a figure; None: there is none."""
    if form is None or form.value is not None:
        return None if form is None else form.value
    if form.numerator is None or not form.denominator:
        return None
    indicator = plan.indicators.get(indicator_code or "")
    by = Decimal(1) if indicator is None else multiplier(indicator)
    return quotient(times(form.numerator, by), form.denominator)


def measures_on(
    plan: PlanState, touched: Collection[str] | None
) -> Iterator[tuple[Register, RegisterMeasure]]:
    """Yield the measures that propose a value and read one of the touched registers; None: all."""
    for register in plan.document.registers:
        for measure in register.measures:
            if measure.indicator is None:
                continue
            below = measure.denominator
            looked_at = {register.code, None if below is None else below.listed_in}
            if touched is None or looked_at & set(touched):
                yield register, measure


def reporter_of(
    plan: PlanState, measure: RegisterMeasure, unit: str | None, holder: str | None = None
) -> str | None:
    """Return the unit that reports a figure; None: nobody does.

    For the city's figure that is the `holder` of the period, if there is one: the former owner
    whose value counts. Otherwise it is the unit that reports the indicator now.
    """
    if unit is not None:
        found = plan.organizations.get(unit)
        return unit if found is not None and found.submits else None
    sole = plan.sole_reporters.get(measure.indicator or "")
    return holder or (None if sole is None else sole.code)


def left_behind(
    before: Mapping[tuple[str, str], Mapping[str, Any]], measure: RegisterMeasure
) -> list[tuple[str, str]]:
    """Return the units and periods with a present figure of the city.

    A figure stored for a former owner must be taken back, because nobody would update it and the
    unit could still hand it in.
    """
    if measure.per == "unit":
        return []
    return [
        place
        for place, last in before.items()
        if last["value"] is not None or last["numerator"] is not None
    ]


def sees_figures(actor: Actor, register: Register) -> bool:
    """Return whether the actor sees every row that counts, and so figures over all rows."""
    if actor.reach in {Reach.WHOLE_PLAN, Reach.APPROVED}:
        return True
    unit = actor.organization_code
    if actor.reach is Reach.LED and unit in register.leads:
        return True
    return actor.reach is not Reach.NOTHING and set(register.keepers) == {unit}
