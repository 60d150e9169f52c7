"""Routes that apply one verb to many submissions: approve, return, submit, withdraw."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic_core import to_json

from services.api.context import (
    PlanInScope,
    Resources,
    ResourcesDep,
    WriteSession,
    Writing,
    check_match,
)
from services.api.contract.refusals import refusals
from services.api.contract.shown import answering, asking
from services.api.deferred_faults import DeferredFaults
from services.api.problems import language_of
from services.api.request_context import context_of
from services.api.routing import heavy, versioned_router
from services.api.security import permitted
from services.api.submissions.bulk_schemas import (
    BulkIn,
    BulkItemIn,
    BulkOut,
    BulkReasonIn,
    BulkReasonItemIn,
    bulk_report,
)
from services.api.submissions.schemas import submission_etag, submission_fields
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.faults import faults_of
from services.core.kit.text import Text
from services.core.plan.state import PlanState
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.bulk import Wish, WishOutcome, carry_out_each
from services.core.submissions.rules import WRITING_VERBS, SubmissionVerb

router = versioned_router("submissions")

_ANSWERS: dict[str, Any] = {
    "status_code": 207,
    "responses": {**answering("BulkReport", status=207), **refusals(403, 404)},
    "response_model": BulkOut,
}


@dataclass(frozen=True, slots=True)
class Bulk:
    """A caller with the right to a verb in general, and the plan of the submissions named."""

    verb: SubmissionVerb
    actor: Actor
    plan: PlanState
    session: WriteSession
    resources: Resources
    request: Request

    async def move(
        self, items: Sequence[BulkItemIn | BulkReasonItemIn | DeferredFaults]
    ) -> Response:
        """Run the verb on each item, and answer with the outcomes."""
        asked = [_asked(one) for one in items]
        twice = _given_twice([one.submission_id for one in asked])
        refused: dict[int, WishOutcome] = {}
        wishes: dict[int, Wish] = {}
        for index, one in enumerate(asked):
            faults = [*one.faults, *twice.get(index, ())]
            if one.submission_id is None or index in twice:
                refused[index] = InvalidInput(faults=faults)
            else:
                wishes[index] = Wish(one.submission_id, one.reason, self._checked(one))
        outcomes = await carry_out_each(
            self.session,
            list(wishes.values()),
            self.verb,
            plan=self.plan,
            actor=self.actor,
            now=self.resources.clock.now(),
        )
        told = refused | dict(zip(wishes, outcomes, strict=True))
        results = [(one.submission_id, told[index]) for index, one in enumerate(asked)]
        report = bulk_report(
            results, language_of(self.request), context_of(self.request).request_id
        )
        return Response(to_json(report, fallback=str), 207, media_type="application/json")

    def _checked(self, asked: "_Asked") -> Callable[[SubmissionRow], None]:
        """Return a check that refuses an item for its shape, or for an outdated version."""

        def check(row: SubmissionRow) -> None:
            if asked.faults:
                raise InvalidInput(faults=asked.faults)
            if asked.if_match is not None:
                current = submission_fields(row, self.plan, self.actor)
                check_match(asked.if_match, submission_etag(row), required=False, current=current)

        return check


@dataclass(frozen=True, slots=True)
class _Asked:
    """An item, as far as it could be parsed."""

    submission_id: UUID | None
    if_match: str | None
    reason: str | None
    faults: tuple[Fault, ...] = ()


def _asked(item: BulkItemIn | BulkReasonItemIn | DeferredFaults) -> _Asked:
    if isinstance(item, DeferredFaults):
        named = item.members.get("id")
        submission_id = UUID(named) if isinstance(named, str) else None
        return _Asked(submission_id, None, None, tuple(faults_of(item.errors)))
    return _Asked(item.id, item.if_match, item.reason)


_MOST_NAMED = 20


def _given_twice(ids: Sequence[UUID | None]) -> Mapping[int, Sequence[Fault]]:
    """Return, by the index of each item that is repeated, the fault that lists all of them."""
    places: defaultdict[UUID, list[int]] = defaultdict(list)
    for index, one in enumerate(ids):
        if one is not None:
            places[one].append(index)
    return {
        index: [_duplicate(found)] for found in places.values() if len(found) > 1 for index in found
    }


def _duplicate(indexes: Sequence[int]) -> Fault:
    shown = indexes[:_MOST_NAMED]
    named = ", ".join(map(str, shown)) + (", …" if len(indexes) > _MOST_NAMED else "")
    words = Text(
        f"同一填报在本次请求中出现多次：第 {named} 项（从 0 起），请只写一次",
        f"This submission is named by several items: {named}, from 0; name it once",
    )
    return Fault("/id", "duplicate-item", words, list(shown))


def _taking(verb: SubmissionVerb) -> Any:
    """Return the dependency that finds a verb's caller and plan."""
    writes = verb in WRITING_VERBS
    permission = Permission.WRITE_SUBMISSIONS if writes else Permission.REVIEW_SUBMISSIONS

    async def take(
        actor: Annotated[Actor, Depends(permitted(permission))],
        plan: PlanInScope,
        session: Writing,
        resources: ResourcesDep,
        request: Request,
    ) -> Bulk:
        return Bulk(verb, actor, plan, session, resources, request)

    return Depends(take)


@router.post("/plans/{plan}/submissions/approve", **_ANSWERS, openapi_extra=asking("BulkApproval"))
@heavy
async def approve_submissions(body: BulkIn, bulk: Annotated[Bulk, _taking("approve")]) -> Response:
    """Approve up to 1,000 submissions at once; each is answered as by its own `approve`.

    What one of them is refused for keeps no other from being approved. Nobody approves a
    revision that they, or another key of their unit, wrote or handed in.
    """
    return await bulk.move(body.items)


@router.post("/plans/{plan}/submissions/return", **_ANSWERS, openapi_extra=asking("BulkReturn"))
@heavy
async def return_submissions(
    body: BulkReasonIn, bulk: Annotated[Bulk, _taking("return")]
) -> Response:
    """Send up to 1,000 submissions back to their units, each with its reason.

    Each is answered as by its own `return`.
    """
    return await bulk.move(body.items)


@router.post("/plans/{plan}/submissions/submit", **_ANSWERS, openapi_extra=asking("BulkApproval"))
@heavy
async def submit_submissions(body: BulkIn, bulk: Annotated[Bulk, _taking("submit")]) -> Response:
    """Hand up to 1,000 drafts or returned ones in for review.

    Each is answered as by its own `submit`.
    """
    return await bulk.move(body.items)


@router.post("/plans/{plan}/submissions/withdraw", **_ANSWERS, openapi_extra=asking("BulkApproval"))
@heavy
async def withdraw_submissions(
    body: BulkIn, bulk: Annotated[Bulk, _taking("withdraw")]
) -> Response:
    """Take up to 1,000 submissions back that were not approved yet; their places are free again.

    Each is answered as by its own `withdraw`.
    """
    return await bulk.move(body.items)
