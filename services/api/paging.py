"""Pagination of lists: what a page token is bound to, where a page begins and ends.

A list queries one row more than a page holds; that row shows whether another page follows.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from services.core.identity.actor import Actor
from services.core.kit.pagination import new_page_token, read_page_token, read_version

LIMITED_TO_SCOPE = (
    "True: only what the caller may see is listed, and there may be more; for the superior, who"
    " sees what was approved, none of it is. False: it is all there is"
)
"""The description of a list that omits items outside the caller's scope."""


Item = TypeVar("Item")


class PageOut(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item] = Field(description="At most `page_size`")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class ScopedPageOut(PageOut[Item]):
    """A page of a list that leaves out what is outside the caller's scope."""

    limited_to_scope: bool = Field(description=LIMITED_TO_SCOPE)


Tombstone = TypeVar("Tombstone")


class FollowedPageOut(PageOut[Item], Generic[Item, Tombstone]):
    """A page of a list, or what changed in it since a log position."""

    tombstones: list[Tombstone] = Field(description="With `changed_after` only")
    position: int | None = Field(description="With `changed_after`: go on from here")
    has_more: bool = Field(description="Whether more follow")


class HistoryChangeOut(BaseModel):
    """One change of a thing, as `history_page` returns it."""

    version: int = Field(description="1 for its making; the ETag ends in it")
    action: str = Field(description="What was done, such as `confirmed`")
    before: dict[str, Any] | None = Field(description="What it was; null: it was not there")
    after: dict[str, Any] = Field(description="What it is since")
    actor: dict[str, Any] = Field(
        description="Who: `kind`, `id`, `name`, `role`, `organization_code`, `channel` and the"
        " `request_id`"
    )
    reason: str | None = Field(description="The reason that was given")
    occurred_at: datetime = Field(description="When")


class Change(Protocol):
    """A change in an item's history: the item after it, its author, time and reason."""

    version: int
    action: str
    after: dict[str, Any]
    actor: dict[str, Any]
    reason: str | None
    occurred_at: datetime


Row = TypeVar("Row")


def of_list(actor: Actor, name: str, **filters: object) -> dict[str, object]:
    """Return what the page tokens of a list are bound to.

    Another caller of the same scope may go on with them: a new key continues where the key it
    replaced stopped.
    """
    reach = [actor.city_code, actor.role, actor.organization_code, actor.plan_code]
    return {"list": name, "reach": reach, **filters}


def after_id(page_token: str | None, named: Mapping[str, object]) -> UUID | None:
    """Return the id after which a list by ids continues; None: it begins.

    Raises:
        BadPageToken: the token does not belong to this list.
    """
    return None if page_token is None else read_page_token(page_token, named, UUID)[0]


def after_version(page_token: str | None, named: Mapping[str, object]) -> int:
    """Return the number after which a list by numbers continues; 0: it begins.

    Raises:
        BadPageToken: the token does not belong to this list.
    """
    return 0 if page_token is None else read_page_token(page_token, named, read_version)[0]


def cut(
    found: Sequence[Row],
    page_size: int,
    named: Mapping[str, object],
    key: Callable[[Row], Sequence[object]],
) -> tuple[Sequence[Row], str | None]:
    """Return a page, and the token of the next one; None: this is the last.

    `key` returns the sort key of a row, in the form that its tokens are parsed to.
    """
    page = found[:page_size]
    if len(found) <= page_size:
        return page, None
    return page, new_page_token([str(part) for part in key(page[-1])], named)


async def history_page(
    history: Callable[..., Awaitable[Sequence[Change]]],
    page_token: str | None,
    named: Mapping[str, object],
    page_size: int,
    *,
    more: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return a page of an item's changes, oldest first, each with the item before it.

    `history` returns up to `limit` changes of greater numbers than `after`. `more` names the
    members that this kind of item adds to each change.

    Raises:
        BadPageToken: the token does not belong to this list.
    """
    after = after_version(page_token, named)
    # One more than a page on either side: the row before gives `before`, the row after the token.
    found = list(await history(after=max(after - 1, 0), limit=page_size + 2))
    first = found.pop(0).after if after and found else None
    page, following = cut(found, page_size, named, lambda one: [one.version])
    items = [
        {
            "version": change.version,
            "action": change.action,
            "before": before,
            "after": change.after,
            "actor": change.actor,
            "reason": change.reason,
            "occurred_at": change.occurred_at,
            **{name: getattr(change, name) for name in more},
        }
        for change, before in zip(page, [first, *(one.after for one in page)], strict=False)
    ]
    return {"items": items, "next_page_token": following}
