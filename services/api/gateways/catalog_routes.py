"""The route of the catalogue."""

from typing import Annotated

from fastapi import Depends, Query, Request

from services.api.context import ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.gateways.catalog import SOURCES, VALUES, CatalogOut, catalog_of
from services.api.gateways.facade import operation_of
from services.api.routing import versioned_router
from services.api.security import permitted
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission

router = versioned_router("gateway")

Reader = Annotated[Actor, Depends(permitted(Permission.READ_PLAN))]


@router.get("/catalog", responses={**answering("Catalog"), **refusals(403, 404)})
async def get_catalog(
    request: Request,
    actor: Reader,
    resources: ResourcesDep,
    plan: Annotated[
        str,
        Query(max_length=60, description="Code of the plan", examples=["410183-2025"]),
    ],
) -> CatalogOut:
    """Return the catalogue of what a plan's data can be shared, in a catalogue's core columns.

    It is made from the plan and from this contract, for the data bureau: CSV or XLSX as every
    list. What it says is Chinese in every language, for the form is. Whether something is shared
    without a condition is whether the plan calls its indicator public.
    """
    state = await resources.plans.get(plan, actor)
    answers = {}
    for name in (*(one.operation for one in SOURCES), VALUES):
        operation = operation_of(request.app, name)
        assert operation is not None  # noqa: S101 (each is one that partners may call)
        answers[name] = operation.route.response_model
    return catalog_of(state, answers)
