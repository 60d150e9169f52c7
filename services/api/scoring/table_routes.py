"""The plan's indicator table as printed, with the reached value beside each line."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic_core import from_json, to_json

from services.api.answers import body_etag, json_answer
from services.api.context import IfNoneMatch, PlanInScope, ResourcesDep
from services.api.contract.refusals import refusals
from services.api.contract.shown import ETAG, answering
from services.api.plan_parameters import PeriodQuery
from services.api.routing import versioned_router
from services.api.scoring.routes import AsOf, Basis, Published, Reader, board_body, check_basis
from services.api.scoring.schemas import adjusted_fields
from services.api.scoring.table_schemas import IndicatorTableOut
from services.core.plan.document import Indicator, PlanDocument
from services.core.plan.target_names import name_of_written
from services.core.plan.versions.queries import plan_of_version
from services.core.scoring.lights import LIGHT_NAMES

router = versioned_router("scores")

_HEAD = (
    "plan",
    "plan_version",
    "plan_status",
    "period",
    "basis",
    "as_of",
    "local_date",
    "method",
    "publication_number",
)
_STANDING = (
    "code",
    "unit",
    "value",
    "display",
    "data_status",
    "met",
    "attainment",
    "light",
    "reason",
    "reason_en",
)


@router.get(
    "/plans/{plan}/scoreboard/table",
    responses={**answering("IndicatorTable", ETAG), **refusals(403, 404)},
    response_model=IndicatorTableOut,
)
async def get_indicator_table(
    actor: Reader,
    plan: PlanInScope,
    resources: ResourcesDep,
    period: PeriodQuery = None,
    basis: Basis = "approved",
    as_of: AsOf = None,
    publication: Published = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return the plan's indicator table as printed, with value, light and reason in each line.

    It is the annex of a bulletin: what was reached comes from the scoreboard of the period,
    instant or publication asked for, and what the plan prints from its version that this was
    drawn by.
    """
    check_basis(actor, basis)
    board = from_json(await board_body(resources, plan, period, basis, as_of, publication))
    async with resources.reads.sessions() as session:
        document = (await plan_of_version(session, plan, board["plan_version"])).document
    indicators = {one.code: one for one in document.indicators}
    listed = {
        **{name: board[name] for name in _HEAD},
        "title": document.title,
        "status_text": document.status_text,
        "score": board["overall"]["score"],
        "display": board["overall"]["display"],
        "grade_name": board["overall"]["grade_name"],
        **adjusted_fields(board["overall"]),
        "coverage": board["overall"]["coverage"],
        "items": [_line(row, document, indicators) for row in board["indicators"]],
        "next_page_token": None,
    }
    body = to_json(listed)
    return json_answer(body, etag=body_etag(body), if_none_match=if_none_match)


def _line(
    row: Mapping[str, Any], document: PlanDocument, indicators: Mapping[str, Indicator]
) -> dict[str, Any]:
    """Return a line of the table as printed in the document."""
    standing = {name: row.get(name) for name in _STANDING}
    target = row["target"]
    printed = indicators.get(row["code"])
    baseline = printed.baseline if printed else None
    groups = {group.code: group.name for group in document.groups}
    return {
        "row": printed.row if printed else None,
        "level1": printed.level1 if printed else groups.get(row["group"]),
        "level2": printed.level2 if printed else None,
        "printed_name": printed.printed_name if printed else row["name"],
        "selection": row["selection"],
        "baseline_year": baseline.year if baseline else None,
        "baseline": baseline.text if baseline else None,
        "target_year": target["year"],
        "target": name_of_written(target),
        "target_source": target["source"],
        "owner_text": printed.owner_text if printed else None,
        **standing,
        "light_name": LIGHT_NAMES[row["light"]],
    }
