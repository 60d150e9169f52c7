"""Callers of the API: what they ask for is drawn, and asked again until they know the answer."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.simulation.world import UNIT, World
from tests.support.api import XINMI
from tests.support.milestones import BODIES, LEAD

_INDICATORS = ("R11", "U07", "U08", "D07")
_PERIODS = ("2024", "2025")
_REASON = {"reason": "抽查不合格"}
_OF_SUBMISSIONS: Mapping[str, str] = {
    "approve": "office",
    "return": "office",
    "reopen": "office",
    "submit": UNIT,
    "withdraw": UNIT,
}
_OF_THE_MILESTONE: Mapping[str, str] = {
    "progress": LEAD,
    "complete": LEAD,
    "return": "office",
    "close": "office",
    "reopen": "office",
}
_IN_DOUBT = frozenset({"request-in-progress", "database-unavailable", "contended"})


class Broken(Exception):
    """The ledger, or an answer about it, is not as it must be."""


@dataclass(frozen=True)
class Asked:
    """One call: who asks for what, under a key of its own."""

    who: str
    path: str
    body: Mapping[str, Any]
    key: str


@dataclass
class Writers:
    """What was asked, and what was acknowledged: the measure of what must be in the ledger."""

    world: World
    chance: random.Random
    asked: int = 0
    submissions: list[str] = field(default_factory=list)
    acknowledged: dict[str, tuple[Asked, int, bytes]] = field(default_factory=dict)

    def draw(self) -> Asked:
        """Return what somebody asks for next."""
        self.asked += 1
        who, path, body = self._drawn()
        return Asked(who, path, body, f"call {self.asked}")

    def _drawn(self) -> tuple[str, str, Mapping[str, Any]]:
        kind = self.chance.choices(
            ("report", "review", "milestone", "period", "endpoint"), (5, 7, 3, 1, 1)
        )[0]
        if kind == "review" and self.submissions:
            verb = self.chance.choice(list(_OF_SUBMISSIONS))
            one = self.chance.choice(self.submissions[-4:])
            return _OF_SUBMISSIONS[verb], f"/submissions/{one}/{verb}", _REASON
        if kind == "milestone":
            verb = self.chance.choice(list(_OF_THE_MILESTONE))
            path = f"/milestones/{self.world.template.milestone}/{verb}"
            return _OF_THE_MILESTONE[verb], path, BODIES[verb]
        if kind == "period":
            verb = self.chance.choice(("open", "close", "reopen"))
            body: dict[str, Any] = {"due_date": "2026-04-30"} if verb == "open" else _REASON
            return "office", f"/plans/{XINMI}/periods/2025/{verb}", body
        if kind == "endpoint":
            one = str(self.chance.choice(self.world.template.endpoints))
            verb = self.chance.choice(("test", "test", "disable", "enable"))
            return "office", f"/webhook-endpoints/{one}/{verb}", {}
        body = {
            "indicator_code": self.chance.choice(_INDICATORS),
            "organization_code": UNIT,
            "period": self.chance.choice(_PERIODS),
            "value": str(self.chance.randrange(1, 100)),
        }
        return UNIT, f"/plans/{XINMI}/submissions", body

    async def call(self, asked: Asked) -> httpx.Response:
        """Ask until there is an answer, and note what it acknowledges.

        Raises:
            Broken: it is none that a call may be given.
        """
        async with self.world.client(asked.who) as client:
            while True:
                answer = await client.post(
                    asked.path, json=asked.body, headers={"Idempotency-Key": asked.key}
                )
                if answer.status_code < 500 and answer.status_code != 409:
                    break
                if answer.json()["code"] not in _IN_DOUBT:
                    break
        self._note(asked, answer)
        return answer

    def _note(self, asked: Asked, answer: httpx.Response) -> None:
        if answer.status_code >= 500:
            raise Broken(f"{asked} was answered {answer.status_code}: {answer.text}")
        if answer.status_code >= 300:
            if asked.key in self.acknowledged:
                raise Broken(f"{asked} was acknowledged, and then refused: {answer.text}")
            return
        told = (answer.status_code, answer.content)
        if asked.key not in self.acknowledged:
            self.acknowledged[asked.key] = (asked, *told)
            if asked.path.endswith("/submissions"):
                self.submissions.append(answer.json()["id"])
        elif self.acknowledged[asked.key][1:] != told:
            raise Broken(f"{asked} was answered {self.acknowledged[asked.key]} and {told}")

    def changes_of_submissions(self) -> int:
        """Return how many changes of submissions were acknowledged."""
        return sum("/submissions" in asked.path for asked, *_ in self.acknowledged.values())
