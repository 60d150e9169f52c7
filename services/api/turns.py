"""Runs a verb on an item in the published order: found, right, body, precondition, act, answer.

A slice says how its item is found and locked within the caller's scope, who has the right to a
verb, and how the item is rendered. A dependency of the route does the first two and returns a
`Turn`; FastAPI validates the body after its dependencies; `Turn.act` does the rest. All of it is
one transaction, that of `Writing`.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar
from uuid import UUID

from fastapi import Response
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.answers import created, item_etag, json_answer
from services.api.context import Resources, check_match
from services.core.identity.actor import Actor
from services.core.kit.errors import NotFound

Item = TypeVar("Item")
Members = ParamSpec("Members")


def in_scope(item: Item | None, missing: type[NotFound]) -> Item:
    """Return an item that was looked up within the caller's scope.

    Raises:
        NotFound: it was not found; raised as the slice's own class.
    """
    if item is None:
        raise missing
    return item


class Versioned(Protocol):
    """An item with a version number."""

    id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as its caller sees it: its members for a 412, the response body, and its ETag."""

    current: object
    body: bytes
    etag: str

    def answer(self, if_none_match: str | None = None) -> Response:
        """Return it with its ETag, or 304 if the caller has it already."""
        return json_answer(self.body, etag=self.etag, if_none_match=if_none_match)

    def created(self, location: str) -> Response:
        """Return it as a new item, with its location."""
        return created(self.body, etag=self.etag, location=location)


def shown_item(item: Versioned, current: object) -> Shown:
    """Return an item rendered as `current`, with an ETag of its version and that rendering."""
    body = to_json(current)
    return Shown(current, body, item_etag(item.id, item.version, body))


@dataclass(frozen=True)
class Turn(ABC, Generic[Item]):
    """A locked item within the caller's scope, and a caller with the right to the verb."""

    item: Item
    actor: Actor
    session: AsyncSession
    resources: Resources

    @abstractmethod
    async def shown(self) -> Shown:
        """Return the item as it stands now."""

    async def check(self, if_match: str | None, *, required: bool = False) -> None:
        """Refuse a change that is based on another version than the current one.

        Raises:
            PreconditionRequired, Stale: see `check_match`.
        """
        if if_match is None and not required:
            return
        now = await self.shown()
        check_match(if_match, now.etag, required=required, current=now.current)

    async def act(
        self,
        if_match: str | None,
        verb: Callable[Concatenate[AsyncSession, Item, Members], Awaitable[object]],
        *args: Members.args,
        **members: Members.kwargs,
    ) -> Response:
        """Check the precondition, run the verb, and return the item after it."""
        await self.check(if_match)
        await verb(self.session, self.item, *args, **members)
        return await self.answer()

    async def answer(self) -> Response:
        """Return the item as it is now, with its ETag."""
        return (await self.shown()).answer()
