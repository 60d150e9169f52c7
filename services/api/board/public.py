"""The public page: the last publication of a plan, and nothing unpublished."""

from dataclasses import replace
from typing import Any

from services.api.board.leader_reading import LeaderReading, Standing
from services.api.board.leader_view import leader_view
from services.api.context import Resources
from services.core.alerts.late import LateCounts
from services.core.board.queries import last_published
from services.core.identity.rules import city_of_plan
from services.core.kit.city_scope import enter_city
from services.core.kit.text import Language
from services.core.plan.errors import PlanNotFound, PublicationNotFound
from services.core.plan.queries import plan_document


async def read_published(
    resources: Resources, plan_code: str, language: Language
) -> dict[str, Any]:
    """Return the template's data for the scoreboard published last.

    The scores of the plan and its groups are public once they are published, an indicator only if
    the plan marks it as public. An unknown plan and an unpublished one get the same refusal.

    Raises:
        PublicationNotFound: there is no such plan, or nothing of it is published.
    """
    city_code = city_of_plan(plan_code)
    enter_city(city_code)
    async with resources.reads.sessions() as session:
        found = await last_published(session, city_code, plan_code)
        if found is None:
            raise PublicationNotFound
        try:
            plan = await resources.plans.of_city(city_code, plan_code, session)
        except PlanNotFound:
            raise PublicationNotFound from None
        document = await plan_document(session, city_code, plan_code, found.plan_version)
    drawn_by = replace(plan, document=document, periods={})
    read = LeaderReading(
        plan=drawn_by,
        period=drawn_by.period_calendar.period(found.period),
        today=found.local_date,
        now_at=Standing(found.board, {}, found.position, drawn_by),
        since=found.local_date,
        changes=None,
        late=None,
        late_counts=LateCounts(),
        curve=(),
        rankings=(),
        reporting=None,
    )
    # Today's plan decides, not the version that the scoreboard was drawn by.
    public = {one.code for one in document.indicators if plan.indicators.get(one.code, one).public}
    shown = leader_view(read, language, only=public)
    return {
        **shown,
        "periods": [found.period],
        "visitor": {"pages": ["overview"], "form_token": ""},
        "live": False,
        "show_changes": False,
        "show_rankings": False,
        "published": {
            "number": found.number,
            "day": plan.local_date(found.published_at),
        },
    }
