"""The path of what was published of a plan, whatever became of its periods since."""

from typing import Any

from services.api.actors import actor_fields
from services.api.context import PageSize, PageToken, PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.paging import of_list
from services.api.routing import versioned_router
from services.api.scoring.routes import Reader
from services.api.scoring.schemas import PublicationListOut
from services.core.kit.pagination import new_page_token, read_page_token, read_version
from services.core.plan.models import Publication
from services.core.plan.queries import publications
from services.core.scoring.queries import published_scores

router = versioned_router("scores")


@router.get(
    "/plans/{plan}/publications",
    responses={**answering("Publications"), **refusals(403, 404)},
)
async def list_publications(
    actor: Reader,
    plan: PlanInScope,
    session: Reading,
    page_size: PageSize = 50,
    page_token: PageToken = None,
) -> PublicationListOut:
    """List what was published, by number: each number names its scoreboard for ever."""
    named = of_list(actor, "publications", plan=plan.code)
    after = 0 if page_token is None else read_page_token(page_token, named, read_version)[0]
    found = await publications(session, plan.city_code, plan.code, after=after, limit=page_size + 1)
    page = found[:page_size]
    scores = await published_scores(
        session, plan.city_code, plan.code, numbers=[one.number for one in page]
    )
    more = len(found) > page_size
    return PublicationListOut.model_validate(
        {
            "items": [_fields(one, scores.get(one.number, {})) for one in page],
            "next_page_token": new_page_token([str(page[-1].number)], named) if more else None,
        }
    )


def _fields(one: Publication, overall: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": one.number,
        "period": one.period,
        "published_at": one.published_at,
        "published_by": actor_fields(one.published_by),
        "score": overall.get("score"),
        "display": overall.get("display"),
        "grade": overall.get("grade"),
        "reopened_at": one.reopened_at,
        "reopened_by": None if one.reopened_by is None else actor_fields(one.reopened_by),
        "reopen_reason": one.reopen_reason,
    }
