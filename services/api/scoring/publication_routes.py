"""The route that lists a plan's publications, whatever became of their periods since."""

from typing import Any

from services.api.actors import actor_fields
from services.api.context import PageSize, PageToken, PlanInScope, Reading
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering
from services.api.paging import after_version, cut, of_list
from services.api.routing import versioned_router
from services.api.scoring.routes import Reader
from services.api.scoring.schemas import PublicationListOut, adjusted_fields
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
    after = after_version(page_token, named)
    found = await publications(session, plan.city_code, plan.code, after=after, limit=page_size + 1)
    page, following = cut(found, page_size, named, lambda one: [one.number])
    scores = await published_scores(
        session, plan.city_code, plan.code, numbers=[one.number for one in page]
    )
    return PublicationListOut.model_validate(
        {
            "items": [_fields(one, scores.get(one.number, {})) for one in page],
            "next_page_token": following,
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
        **adjusted_fields(overall),
        "reopened_at": one.reopened_at,
        "reopened_by": None if one.reopened_by is None else actor_fields(one.reopened_by),
        "reopen_reason": one.reopen_reason,
    }
