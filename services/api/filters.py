"""Filters that several lists take; what some were called before is still taken."""

from typing import Annotated

from fastapi import Depends, Query

from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.text import Text

_MOST = 60


def _one_of_two(name: str, value: str | None, old_name: str, old_value: str | None) -> str | None:
    """Return what was given under either name.

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
