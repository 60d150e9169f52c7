"""Routes that download prefilled sheets in the official layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Path, Query, Request, Response

from services.api.context import IfNoneMatch, PlanInScope, Reading, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.file_answers import XLSX, ZIP, file_answer, file_response
from services.api.plan_parameters import PeriodQuery, period_of_board
from services.api.routing import heavy, versioned_router
from services.api.security import require
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.imports import queries
from services.core.imports.errors import FormNotFound
from services.core.imports.layout import bundle
from services.core.imports.prefilled import FilledForm, indicator_form, task_form
from services.core.imports.sheet_forms import FORMS, FormName
from services.core.imports.templates import MadeForm, make_forms
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.sealing import SecretKeyNotSet
from services.core.kit.text import Text
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.submissions.creation import organization_faults
from services.core.submissions.errors import NotYourOrganization

router = versioned_router("imports")


# One at a time, so that many forms take no more CPU than one.
_one_at_a_time = CapacityLimiter(1)

_PERMISSIONS: Mapping[FormName, tuple[Permission, Permission]] = {
    "indicators": (Permission.WRITE_SUBMISSIONS, Permission.REPORT_FOR_ANY_UNIT),
    "tasks": (Permission.WRITE_MILESTONES, Permission.RUN_MILESTONES),
}
"""The permissions to fill in a form: for the caller's own unit, and for any unit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The requested form and period, not validated yet."""

    name: FormName
    plan: PlanState
    period: str | None
    actor: Actor

    def of(self, unit: str | None) -> "AskedForm":
        """Return the requested form, of a unit, or of every unit that the caller fills in for.

        Raises:
            InvalidInput: there is no such unit or period, or the form has no period.
        """
        if self.name == "tasks" and self.period is not None:
            raise InvalidInput(faults=[_NO_PERIOD])
        period = None if self.name == "tasks" else period_of_board(self.plan, self.period)
        return AskedForm(self.name, self.plan, period, unit)

    @property
    def own_unit(self) -> str | None:
        """The one unit that the caller fills in for; None: any."""
        _, anybodys = _PERMISSIONS[self.name]
        return None if self.actor.may(anybodys) else self.actor.organization_code


@dataclass(frozen=True, slots=True)
class AskedForm:
    """A form of one unit, or of each unit, and its period if it has one."""

    name: FormName
    plan: PlanState
    period: Period | None
    unit: str | None


async def _form_name(
    name: Annotated[
        str,
        Path(
            description="`indicators` is form 01 (指标填报表), `tasks` form 02 (任务进展表)",
            examples=["indicators"],
        ),
    ],
) -> FormName:
    """Return the name of the requested form.

    Raises:
        FormNotFound: there is no form of this name.
    """
    for known in FORMS:
        if name == known:
            return known
    raise FormNotFound


async def _filler(
    request: Request, plan: PlanInScope, name: Annotated[FormName, Depends(_form_name)]
) -> Actor:
    """Return the caller, who may fill in such forms; checked before anything else.

    Raises:
        Forbidden: the caller may fill in none.
    """
    del plan  # 404 for callers outside the plan comes before anything about its forms
    own, _ = _PERMISSIONS[name]
    return require(request, own)


UnitQuery = Annotated[
    str | None,
    Query(
        max_length=60,
        description="The unit that fills it in; default: the caller's own",
        examples=["UN15"],
    ),
]


async def _asked(
    name: Annotated[FormName, Depends(_form_name)],
    actor: Annotated[Actor, Depends(_filler)],
    plan: PlanInScope,
    period: PeriodQuery = None,
) -> Asked:
    """Return the requested form."""
    return Asked(name, plan, period, actor)


_NO_PERIOD = Fault(
    "/query/period",
    "period-not-taken",
    Text("任务进展表不分报告期，请勿写 period", "Form 02 is of no period: leave it out"),
)
UNIT_MISSING = Fault(
    "/query/organization_code",
    "missing",
    Text("请用 organization_code 写明填报单位", "Say which unit fills it in: organization_code"),
)


def of_unit(asked: Asked, said: str | None) -> AskedForm:
    """Return a form of the given unit, or else of the caller's own.

    Raises:
        InvalidInput: the plan has no such unit, or none is given.
        NotYourOrganization: the caller fills in for another unit.
    """
    unit = said or asked.actor.organization_code
    if unit is None:
        raise InvalidInput(faults=[UNIT_MISSING])
    if faults := organization_faults(unit, asked.plan):
        raise InvalidInput(faults=[replace(one, pointer=f"/query{one.pointer}") for one in faults])
    if asked.own_unit not in {None, unit}:
        raise NotYourOrganization
    return asked.of(unit)


@router.get(
    "/plans/{plan}/templates/{name}.xlsx",
    response_class=Response,
    responses={**file_answer(XLSX, "FormWorkbook"), **refusals(403, 404, 503)},
)
@heavy
async def get_form(
    asked: Annotated[Asked, Depends(_asked)],
    session: Reading,
    resources: ResourcesDep,
    organization_code: UnitQuery = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a form for one unit, prefilled and ready to be filled in.

    It holds what the plan prints, what the unit is asked for, its last values and what it has
    reported for the period so far. Only the yellow cells can be changed. A hidden sheet says,
    signed, of which plan, version, period and unit it is: sent to `imports`, it is known by that.
    """
    (form,) = await _made(of_unit(asked, organization_code), session, resources)
    return file_response(form.content, form.name, XLSX, if_none_match)


@router.get(
    "/plans/{plan}/templates/{name}.zip",
    response_class=Response,
    responses={**file_answer(ZIP, "FormBundle"), **refusals(403, 404, 503)},
)
@heavy
async def get_all_forms(
    asked: Annotated[Asked, Depends(_asked)],
    session: Reading,
    resources: ResourcesDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return a form for every unit that the caller fills in for, in one archive.

    Units that are asked for nothing are left out.
    """
    made = await _made(asked.of(asked.own_unit), session, resources)
    content = await run_sync(bundle, [(one.name, one.content) for one in made])
    name = f"{asked.name}-{asked.period or asked.plan.code}.zip"
    return file_response(content, name, ZIP, if_none_match)


async def _made(asked: AskedForm, session: Reading, resources: ResourcesDep) -> Sequence[MadeForm]:
    if resources.seal is None:
        raise SecretKeyNotSet
    filled = await _filled(asked, session)
    return await run_sync(make_forms, asked.plan, filled, resources.seal, limiter=_one_at_a_time)


async def _filled(asked: AskedForm, session: Reading) -> list[FilledForm]:
    plan, unit, period = asked.plan, asked.unit, asked.period
    if period is None:
        promised = await queries.promised_by(session, plan, unit)
        units = sorted(promised) if unit is None else [unit]
        return [task_form(plan, one, promised.get(one, ())) for one in units]
    asked_for = await queries.owed_by(session, plan, period, unit)
    periods = [period.code, period.previous().code]
    reported = await queries.reported_in(session, plan, periods, unit)
    units = sorted(asked_for) if unit is None else [unit]
    return [
        indicator_form(plan, period, one, asked_for.get(one, ()), reported)
        for one in units
        if one in plan.organizations
    ]
