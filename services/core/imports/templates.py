"""Makes the forms that go out, for one unit or for all, each signed."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.core.imports.layout import Heads, form_workbook
from services.core.imports.prefilled import FilledForm
from services.core.imports.sheet_forms import FormName, SheetKind
from services.core.imports.stamps import FORMAT, SheetStamp
from services.core.kit.sealing import Seal
from services.core.plan.periods import Period
from services.core.plan.state import PlanState

_ENDINGS = "市县区州"


@dataclass(frozen=True, slots=True)
class MadeForm:
    """A form as a file, and its name."""

    name: str
    content: bytes


def make_forms(plan: PlanState, filled: Sequence[FilledForm], seal: Seal) -> list[MadeForm]:
    """Return forms as files. This is CPU-bound work."""
    return [_made(plan, one, seal) for one in filled]


def _made(plan: PlanState, filled: FilledForm, seal: Seal) -> MadeForm:
    unit = plan.organization_name(filled.unit)
    form = filled.form
    number = f"无废{plan.document.city.name.rstrip(_ENDINGS)[:2]}{form.number}表"
    of_period = (f"报告期：{filled.period}", "计量单位：见表内") if filled.period else ()
    heads = Heads(
        title=f"{plan.document.city.name}“无废城市”建设{form.title}",
        said=(f"表号：{number}", f"填报单位：{unit}", *of_period),
    )
    stamp = stamp_of(plan, form.name, filled.period, filled.unit)
    content = form_workbook(filled, heads, stamp.signed(seal))
    told = [f"{form.number}表", filled.period, filled.unit, unit]
    return MadeForm("-".join(part for part in told if part) + ".xlsx", content)


def stamp_of(plan: PlanState, form: SheetKind, period: str, unit: str) -> SheetStamp:
    """Return the stamp of a form that is made now."""
    return SheetStamp(
        format=FORMAT,
        form=form,
        city_code=plan.city_code,
        plan=plan.code,
        version=str(plan.version),
        period=period,
        organization_code=unit,
    )


def fresh_form(plan: PlanState, form: FormName, period: Period | str, unit: str) -> str:
    """Return the API path of a fresh form of this kind."""
    code = period if isinstance(period, str) else period.code
    asked = f"period={code}&" if code else ""
    return f"/v1/plans/{plan.code}/templates/{form}.xlsx?{asked}organization_code={unit}"
