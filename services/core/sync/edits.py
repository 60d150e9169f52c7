"""The change that a device wants of a submission, against the version that it saw. Pure."""

from collections.abc import Mapping
from typing import Any

from services.core.kit.errors import InvalidInput
from services.core.plan.document import Indicator
from services.core.plan.state import PlanState
from services.core.submissions.changes import FORMS, form_after
from services.core.submissions.judging import value_faults
from services.core.submissions.rules import REMARKS, Form, reported


def columns_wanted(
    base: Mapping[str, Any], said: Mapping[str, Any], indicator: Indicator | None
) -> dict[str, Any]:
    """Return whole fields by column, as a device wants them that saw `base` and sent `said`.

    The form was checked before (`check_form`). Without an `indicator` nothing is computed.
    """
    wanted = {name: said[name] for name in REMARKS if name in said}
    form = _form_wanted(base, said)
    if form is None:
        return wanted
    kept = form if indicator is None else reported(form, indicator)
    return {**wanted, **{name: getattr(kept, name) for name in FORMS}}


def check_form(
    base: Mapping[str, Any],
    said: Mapping[str, Any],
    indicator: Indicator,
    plan: PlanState,
    period: str,
) -> None:
    """Check a device's change of the form as any edit is checked.

    Raises:
        InvalidInput: the changed form has faults.
    """
    form = _form_wanted(base, said)
    if form is not None and (faults := value_faults(form, indicator, plan, period, draft=True)):
        raise InvalidInput(faults=faults)


def _form_wanted(base: Mapping[str, Any], said: Mapping[str, Any]) -> Form | None:
    """Return the form that the device wants; None: the write does not change it."""
    if said.keys().isdisjoint(FORMS):
        return None
    seen = {**dict.fromkeys(FORMS), **base}
    return form_after(seen, {name: said[name] for name in FORMS if name in said})
