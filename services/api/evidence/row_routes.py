"""Routes of the evidence of a row of a register."""

from typing import Annotated, get_args

from fastapi import Response

from services.api.context import Reading, ResourcesDep, Writing
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.evidence.receiving import FilePlace, receiving
from services.api.evidence.routes import ADDING, added
from services.api.evidence.schemas import RowEvidenceListOut, row_evidence_list
from services.api.registers.parameters import Reader as RowReader
from services.api.registers.parameters import RowId, Seen, Writer
from services.api.routing import versioned_router
from services.api.turns import in_scope
from services.core.evidence import queries
from services.core.evidence.service import NewFile, add_to_row
from services.core.plan.evidence_rules import pieces_of
from services.core.plan.register_entries import EvidencedState
from services.core.plan.visibility import pieces_seen
from services.core.registers import queries as row_queries
from services.core.registers.demands import demands_on
from services.core.registers.errors import RegisterRowNotFound
from services.core.registers.lifecycle import check_right
from services.core.registers.rules import register_in
from services.core.registers.service import RegisterDesk

router = versioned_router("evidence")

_LISTED = {**answering("RowEvidenceList"), **refusals(403, 404)}


async def _place(row_id: RowId, actor: Writer, resources: ResourcesDep) -> FilePlace:
    """Return the destination of an upload, once the caller is known to have the right to add it."""
    async with resources.database.sessions() as session:
        found = in_scope(await row_queries.one(session, actor, row_id), RegisterRowNotFound)
        plan = await resources.plans.of_city(found.city_code, found.plan_code, session)
        check_right(actor, "edit", found, register_in(plan, found.register_code))
    return FilePlace(plan.city_code, plan.document.evidence)


@router.post("/register-rows/{row_id}/evidence", **ADDING)
async def add_register_row_evidence(
    row_id: RowId,
    actor: Writer,
    new: Annotated[NewFile, receiving(_place)],
    session: Writing,
    resources: ResourcesDep,
) -> Response:
    """Add a file that a row of a register rests upon, while it stands.

    It is for whoever writes the row, and part of it: a confirmed row becomes a draft again, and
    whoever adds a file is one of its authors. What a row was confirmed with stays.
    """
    row = in_scope(await row_queries.for_update(session, actor, row_id), RegisterRowNotFound)
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    register = register_in(plan, row.register_code)
    desk = RegisterDesk(plan, register, actor, resources.clock.now())
    return added(await add_to_row(session, row, new, desk=desk))


@router.get("/register-rows/{row_id}/evidence", responses=_LISTED)
async def list_register_row_evidence(
    row: Seen, actor: RowReader, session: Reading, resources: ResourcesDep
) -> RowEvidenceListOut:
    """List the files of a row, and what the register asks for as the row says now.

    The superior sees those that it was confirmed with.
    """
    plan = await resources.plans.of_city(row.city_code, row.plan_code, session)
    pieces = pieces_seen(actor, pieces_of(row.files))
    files = await queries.files_of_pieces(session, row.city_code, pieces)
    register = plan.registers.get(row.register_code)
    rules = []
    if register is not None:
        for state in get_args(EvidencedState):
            rules += demands_on(register, row.cells, state)
    return row_evidence_list(files, plan.document.evidence, rules, pieces)
