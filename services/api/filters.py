"""Filters that several lists share; their former names are still accepted."""

from collections.abc import Sized
from typing import Annotated

from fastapi import Depends, Query

from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.plan.unknown_codes import (
    unknown_indicator,
    unknown_measure,
    unknown_organization,
)

_MOST = 60


def _one_of_two(name: str, value: str | None, old_name: str, old_value: str | None) -> str | None:
    """Return the value given under either name of a filter.

    Raises:
        InvalidInput: both were given, and differ.
    """
    if value is not None and old_value not in {None, value}:
        fault = Fault(
            f"/query/{old_name}",
            "given-twice",
            Text(f"与 {name} 不一致；{old_name} 是它的旧名，只写 {name}", _differs(name, old_name)),
            old_value,
        )
        raise InvalidInput(faults=[fault])
    return old_value if value is None else value


def _differs(name: str, old_name: str) -> str:
    return f"Not the same as {name}, whose old name {old_name} is: give {name} alone"


async def _organization(
    organization_code: Annotated[
        str | None, Query(max_length=_MOST, description="Of this organization only")
    ] = None,
    organization: Annotated[
        str | None,
        Query(
            max_length=_MOST,
            deprecated=True,
            description="The old name of `organization_code`",
        ),
    ] = None,
) -> str | None:
    return _one_of_two("organization_code", organization_code, "organization", organization)


async def _indicator(
    indicator_code: Annotated[
        str | None, Query(max_length=_MOST, description="Of this indicator only")
    ] = None,
    indicator: Annotated[
        str | None,
        Query(
            max_length=_MOST,
            deprecated=True,
            description="The old name of `indicator_code`",
        ),
    ] = None,
) -> str | None:
    return _one_of_two("indicator_code", indicator_code, "indicator", indicator)


ChangedAfter = Annotated[
    int | None,
    Query(
        ge=0,
        le=2**62,
        description="List what changed since this log position; not with `page_token`",
    ),
]
OrganizationFilter = Annotated[str | None, Depends(_organization)]
IndicatorFilter = Annotated[str | None, Depends(_indicator)]


def check_codes(
    found: Sized,
    plan: PlanState,
    *,
    indicator_code: str | None = None,
    organization_code: str | None = None,
    measure_code: str | None = None,
) -> None:
    """Refuse filters that found nothing and name codes that the plan does not have.

    Items of an earlier version of the plan may still be listed, so a result is answered as it is.

    Raises:
        InvalidInput: nothing was found, and the plan has no such code.
    """
    if found:
        return
    faults = []
    if indicator_code is not None and indicator_code not in plan.indicators:
        faults.append(unknown_indicator(plan, "/query/indicator_code", indicator_code))
    if organization_code is not None and organization_code not in plan.organizations:
        faults.append(unknown_organization(plan, "/query/organization_code", organization_code))
    if measure_code is not None and measure_code not in plan.measures:
        faults.append(unknown_measure(plan, "/query/measure_code", measure_code))
    if faults:
        raise InvalidInput(faults=faults)
