"""Lists, finds and renders conflicts, whatever their subject."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.api.actors import actor_fields
from services.api.context import Resources
from services.api.filters import check_codes
from services.api.paging import after_id, cut, of_list
from services.api.turns import Shown, in_scope, shown_item
from services.core.conflicts import queries
from services.core.conflicts.models import Conflict, KeptConflict
from services.core.conflicts.subject import ConflictSubject
from services.core.identity.actor import Actor
from services.core.kit.errors import NotFound
from services.core.plan.state import PlanState
from services.core.plan.visibility import sees_whole_plan

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class ConflictViews(Generic[Conflict]):
    """Lists, finds and renders the conflicts over one kind of subject.

    `name` is the list's name in its page tokens; `fields` returns the members of one conflict;
    `missing` is raised if there is none.
    """

    subject: ConflictSubject[Conflict]
    name: str
    fields: Callable[[Conflict, PlanState, Actor], dict[str, Any]]
    missing: type[NotFound]

    async def page(
        self,
        session: AsyncSession,
        actor: Actor,
        plan: PlanState,
        *,
        page_size: int,
        page_token: str | None,
        organization_code: str | None,
        **filters: UUID | str | None,
    ) -> dict[str, Any]:
        """Return a page of the conflicts that the caller sees, newest first.

        `filters` are by column; None: any value.

        Raises:
            BadPageToken: the token does not belong to this list.
            InvalidInput: nothing was found, and the plan has no such unit.
        """
        filters["organization_code"] = organization_code
        named = of_list(actor, self.name, plan=plan.code, **filters)
        found = await queries.page(
            session,
            actor,
            self.subject,
            plan_code=plan.code,
            filters=filters,
            after=after_id(page_token, named),
            limit=page_size + 1,
        )
        check_codes(found, plan, organization_code=organization_code)
        page, following = cut(found, page_size, named, lambda one: [one.id])
        return {
            "items": [self.fields(one, plan, actor) for one in page],
            "next_page_token": following,
            "limited_to_scope": not sees_whole_plan(actor),
        }

    async def seen(self, session: AsyncSession, actor: Actor, conflict_id: UUID) -> Conflict:
        """Return a conflict that the caller sees.

        Raises:
            NotFound: no conflict with this id is in the caller's scope.
        """
        found = await queries.one(session, actor, self.subject, conflict_id)
        return in_scope(found, self.missing)

    async def locked(self, session: AsyncSession, actor: Actor, conflict_id: UUID) -> Conflict:
        """Return a conflict locked until the transaction ends.

        Raises:
            NotFound: see `seen`.
        """
        found = await queries.for_update(session, actor, self.subject, conflict_id)
        return in_scope(found, self.missing)

    async def locked_with(
        self,
        session: AsyncSession,
        actor: Actor,
        conflict_id: UUID,
        lock: Callable[[Conflict], Awaitable[Thing | None]],
    ) -> tuple[Conflict, Thing]:
        """Return a conflict and its subject, both locked; see `queries.with_thing`.

        Raises:
            NotFound: see `seen`, also for the subject.
        """
        found = await queries.with_thing(session, actor, self.subject, conflict_id, lock)
        return in_scope(found, self.missing)

    def shown(self, conflict: Conflict, plan: PlanState, actor: Actor) -> Shown:
        """Return a conflict as the caller sees it by a plan."""
        return shown_item(conflict, self.fields(conflict, plan, actor))

    async def read(
        self, session: AsyncSession, actor: Actor, resources: Resources, conflict: Conflict
    ) -> Shown:
        """Return a conflict as the caller sees it by its own plan."""
        plan = await resources.plans.of_city(conflict.city_code, conflict.plan_code, session)
        return self.shown(conflict, plan, actor)


def kept_fields(row: KeptConflict, *, may_decide: bool) -> dict[str, Any]:
    """Return both versions of a conflict, their authors, and the decision."""
    return {
        "base": row.base,
        "ledger": row.ledger,
        "device": row.device,
        "claimed_at": row.claimed_at,
        "raised_by": actor_fields(row.raised_by),
        "raised_at": row.raised_at,
        "state": row.state,
        "taken": row.taken,
        "decision_reason": row.decision_reason,
        "decided_by": None if row.decided_by is None else actor_fields(row.decided_by),
        "decided_at": row.decided_at,
        "may_decide": may_decide,
    }
