"""Receivers that answer when the seed says so, and as it says: slowly, falsely, or not at all."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.core.webhooks.sending import Message, Outcome


@dataclass(frozen=True)
class Answer:
    """What a receiver does with a message: whether it takes it, and what the sender hears."""

    name: str
    takes: bool
    heard: Outcome


_TAKEN = Answer("204", takes=True, heard=Outcome("delivered", 1, status_code=204, said="204"))
ANSWERS: Sequence[Answer] = (
    *(6 * (_TAKEN,)),
    Answer("500", takes=False, heard=Outcome("status", 1, status_code=500, said="500")),
    Answer("302", takes=False, heard=Outcome("redirect", 1, status_code=302, said="302")),
    Answer("no answer", takes=False, heard=Outcome("timeout", 15000, said="no answer")),
    Answer("200, then cut", takes=True, heard=Outcome("disconnected", 1, said="broke off")),
    Answer("taken, then silence", takes=True, heard=Outcome("timeout", 15000, said="no answer")),
)
GONE = Answer("410", takes=False, heard=Outcome("status", 1, status_code=410, said="410"))


@dataclass(eq=False)
class UnderWay:
    """A message that a worker has sent and nobody has answered yet."""

    worker: int
    message: Message
    answered: asyncio.Future[Outcome]

    @property
    def host(self) -> str:
        """Whom it is for."""
        return self.message.url.split("/")[2].split(".")[0]


@dataclass
class Receivers:
    """All receivers, what is on its way to them, and how often each took each event."""

    under_way: list[UnderWay] = field(default_factory=list)
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    def answer(self, one: UnderWay, answer: Answer) -> None:
        """Answer a message."""
        self.under_way.remove(one)
        if answer.takes:
            self.taken[one.host, one.message.headers["webhook-id"]] += 1
        one.answered.set_result(answer.heard)


class SlowSender:
    """What a worker sends through: the answer comes when the receivers give it."""

    def __init__(self, worker: int, receivers: Receivers) -> None:
        self._worker = worker
        self._receivers = receivers

    async def send(self, message: Message) -> Outcome:
        """Send a message and wait for its answer."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        one = UnderWay(self._worker, message, answered)
        self._receivers.under_way.append(one)
        try:
            return await answered
        finally:
            if one in self._receivers.under_way:
                self._receivers.under_way.remove(one)
