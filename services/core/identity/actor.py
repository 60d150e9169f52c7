"""The acting caller: a value that a process makes from a credential and passes down."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.core.identity.reach import Reach
from services.core.identity.rules import (
    ADMINISTRATORS,
    DEFAULT_SCOPES,
    Permission,
    Role,
    Scope,
    reach_of,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """The credential behind one request.

    `organization_code` and `plan_code` narrow what it may see; `every_city` marks the first
    administrators. `channel` and `request_id` go into history, events and audit. `person_id` is
    the person who acts through it, if it belongs to a tenure of a post.
    """

    credential_id: UUID
    name: str
    role: Role
    city_code: str
    organization_code: str | None
    plan_code: str | None
    scopes: frozenset[Scope]
    every_city: bool
    channel: str
    request_id: str
    kind: Literal["api_key", "operator", "user"] = "api_key"
    person_id: UUID | None = None

    @property
    def reach(self) -> Reach:
        """How far the credential sees."""
        return reach_of(self.role, self.organization_code)

    @property
    def author_id(self) -> UUID:
        """The author of what it writes: the person, in whichever post, or the key."""
        return self.person_id or self.credential_id

    def may(self, permission: Permission) -> bool:
        """Return whether role and scopes together permit it."""
        if permission.scope not in self.scopes:
            return False
        return permission.is_for(self.role, self.organization_code)

    def is_one_of(self, roles: Collection[Role]) -> bool:
        """Return whether its role is one of these, which are given as data."""
        return self.role in roles

    @property
    def runs_whole_city(self) -> bool:
        """Whether it may change what belongs to the whole city, if role and scopes permit it.

        A credential bound to a plan changes only that plan; an administrator bound to a unit
        changes only the keys of that unit.
        """
        bound = self.role in ADMINISTRATORS and self.organization_code is not None
        return self.plan_code is None and not bound

    @property
    def sight(self) -> tuple[object, ...]:
        """Everything that decides what it sees: actors with equal values see the same."""
        return (
            self.city_code,
            self.role,
            self.organization_code,
            self.plan_code,
            self.scopes,
            self.every_city,
        )

    def in_request(self, request_id: str) -> "Actor":
        """Return the same actor in another request."""
        # Not `dataclasses.replace`, which takes twice as long: every request comes through here.
        return Actor(
            self.credential_id,
            self.name,
            self.role,
            self.city_code,
            self.organization_code,
            self.plan_code,
            self.scopes,
            self.every_city,
            self.channel,
            request_id,
            self.kind,
            self.person_id,
        )

    def narrowed_to(self, scopes: frozenset[Scope]) -> "Actor":
        """Return the same actor with only those of its scopes that a token carries."""
        return replace(self, scopes=self.scopes & scopes)

    def stamp(self) -> dict[str, object]:
        """Return the actor as history and events store it.

        For a person these are the person's id and the post's title; the person's name is looked up
        on reading.
        """
        said: dict[str, object] = {
            "kind": self.kind,
            "id": str(self.author_id),
            "name": self.name,
            "role": self.role,
            "organization_code": self.organization_code,
            "channel": self.channel,
            "request_id": self.request_id,
        }
        if self.person_id is not None:
            said["post"] = self.name
        return said


def operator(city_code: str) -> Actor:
    """Return the actor of the console, who has the machine itself: a system administrator."""
    return Actor(
        credential_id=UUID(int=0),
        name="console",
        role="system_admin",
        city_code=city_code,
        organization_code=None,
        plan_code=None,
        scopes=DEFAULT_SCOPES["system_admin"],
        every_city=True,
        channel="console",
        request_id="",
        kind="operator",
    )


def by_link(
    *,
    link_id: UUID,
    city_code: str,
    plan_code: str,
    scopes: frozenset[Scope],
    channel: str,
    request_id: str,
) -> Actor:
    """Return the actor of a link that shows one plan: a leader, with the link's few scopes."""
    return Actor(
        credential_id=link_id,
        name="link",
        role="leader",
        city_code=city_code,
        organization_code=None,
        plan_code=plan_code,
        scopes=scopes,
        every_city=False,
        channel=channel,
        request_id=request_id,
    )


def system(name: str) -> dict[str, object]:
    """Return the stamp of the system itself, acting as `name`."""
    return {"kind": "system", "name": name}
