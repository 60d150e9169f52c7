"""Applies one verb to many submissions: each is decided by itself, and all are written at once.

The number of statements is the same for one as for a thousand.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.checks.figures import Figures
from services.core.checks.queries import figures_beside
from services.core.identity.actor import Actor
from services.core.kit.errors import DomainError, InvalidInput
from services.core.plan.queries import periods_for_share
from services.core.plan.state import PlanState
from services.core.submissions import queries
from services.core.submissions.authorship import SubmissionRow
from services.core.submissions.batch.writing import Change, remember, update_rows
from services.core.submissions.checking import EntriesTogether
from services.core.submissions.errors import SubmissionNotFound
from services.core.submissions.rules import SubmissionVerb
from services.core.submissions.verbs import action_of, after_verb, check_right

MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A submission on which a verb is requested.

    `check` is called after the submission was found and the actor has the right to the verb. It
    raises other reasons against the wish: faults of the request, or another version.
    """

    submission_id: UUID
    reason: str | None
    check: Callable[[SubmissionRow], None]


WishOutcome: TypeAlias = SubmissionRow | DomainError
"""The outcome of a wish: the submission after the verb, or the refusal."""


async def carry_out_each(
    session: AsyncSession,
    wishes: Sequence[Wish],
    verb: SubmissionVerb,
    *,
    plan: PlanState,
    actor: Actor,
    now: datetime,
) -> list[WishOutcome]:
    """Carry out a verb on each submission that allows it; return the outcomes, in order.

    No two wishes may be for the same submission. A refused wish does not affect the others.
    """
    found = await queries.many_for_update(
        session, actor, plan.code, [one.submission_id for one in wishes]
    )
    codes = {row["period"] for row in found.values()}
    held = await periods_for_share(session, plan.city_code, plan.code, *codes)
    states = {code: held[code].state if code in held else "planned" for code in codes}
    figures = Figures()
    if verb == "submit":
        figures = await figures_beside(session, list(found.values()), plan)
    deciding = _Deciding(verb, states, plan, actor, now, figures)
    outcomes = await asyncio.to_thread(deciding.all_of, wishes, found)
    changes = [
        Change(one, action_of(verb), wish.reason)
        for wish, one in zip(wishes, outcomes, strict=True)
        if not isinstance(one, DomainError)
    ]
    # All rows were locked when they were read, so all of them are written.
    await update_rows(session, [one.row for one in changes], plan)
    await remember(session, changes, plan=plan, stamp=actor.stamp(), now=now)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Deciding:
    """The inputs of decisions: the verb, the states of periods by code, the actor, and the time.

    Submissions are checked against `figures`, and against those submitted in the same call.
    """

    verb: SubmissionVerb
    periods: Mapping[str, str]
    plan: PlanState
    actor: Actor
    now: datetime
    figures: Figures

    def all_of(
        self, wishes: Sequence[Wish], found: Mapping[UUID, SubmissionRow]
    ) -> list[WishOutcome]:
        outcomes = [self._outcome(one, found.get(one.submission_id)) for one in wishes]
        return self._checked(outcomes) if self.verb == "submit" else outcomes

    def _checked(self, outcomes: list[WishOutcome]) -> list[WishOutcome]:
        handed_in = {
            number: one for number, one in enumerate(outcomes) if not isinstance(one, DomainError)
        }
        together = EntriesTogether(self.plan, self.actor, self.figures)
        together.judge(handed_in)
        return [
            InvalidInput(faults=together.faults[number])
            if number in together.faults
            else {**one, **together.columns[number]}
            if not isinstance(one, DomainError)
            else one
            for number, one in enumerate(outcomes)
        ]

    def _outcome(self, wish: Wish, row: SubmissionRow | None) -> WishOutcome:
        try:
            return self._after(wish, row)
        except DomainError as refused:
            return refused

    def _after(self, wish: Wish, row: SubmissionRow | None) -> SubmissionRow:
        if row is None:
            raise SubmissionNotFound
        access = check_right(self.actor, self.verb, row, self.plan)
        wish.check(row)
        access = replace(access, period_state=self.periods[row["period"]])
        changed = after_verb(
            row,
            self.verb,
            access,
            plan=self.plan,
            actor=self.actor,
            reason=wish.reason,
            now=self.now,
        )
        return {**row, **changed, "version": row["version"] + 1, "updated_at": self.now}
