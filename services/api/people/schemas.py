"""Pydantic schemas of users and posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.contract.choices import one_of
from services.core.identity.rules import PostRole
from services.core.kit.forms import form
from services.core.kit.said import CodeIn, Said, Title
from services.core.people.models import Person, StaffPost
from services.core.people.queries import HeldPost
from services.core.plan.written import Day

_POST_ROLES = get_args(PostRole)
_Role = Annotated[str, one_of(_POST_ROLES)]
_STATES = ("invited", "active", "ended", "erased")
_State = Annotated[str, one_of(_STATES)]

_USERNAME = form(
    "^[a-z0-9][a-z0-9._-]{2,39}$",
    "应为 3 至 40 个小写字母、数字、点、下划线或连字符，以字母或数字开头",
    "Must be 3 to 40 lower-case letters, digits, dots, underscores or hyphens, beginning with a"
    " letter or a digit",
)
_Username = Annotated[str, _USERNAME]


class UserIn(Said):
    """A user to be entered."""

    username: _Username = Field(description="What they sign in by; no two of a city share one")
    name: Title = Field(description="What they are called at work")


class UserPatch(Said):
    """What may change of a user."""

    username: _Username = Field(default="", description="What they sign in by")
    name: Title = Field(default="", description="What they are called at work")


class PostIn(Said):
    """A post to be made."""

    title: Title = Field(description="What it is called; history shows it beside the holder")
    role: PostRole = Field(description="What its holder may do")
    organization_code: CodeIn | None = Field(
        default=None, description="Required for `reporter` and `lead`; else of the whole city"
    )
    plan: CodeIn | None = Field(default=None, description="Binds the post to one plan")


class HandOverIn(Said):
    """To whom a post goes, and from which day on."""

    user_id: UUID | None = Field(default=None, description="Who takes it up; null: nobody does")
    on: Day | None = Field(
        default=None,
        description="The first day; the holder before goes on to the day before."
        " Null: today, at once",
    )


class TenureOut(BaseModel):
    """A user's time in a post."""

    post_id: UUID = Field(description="Id of the post")
    title: str = Field(description="What the post is called")
    role: _Role = Field(description="What its holder may do")
    organization_code: str | None = Field(description="Of which unit; null: of none")
    plan: str | None = Field(description="The plan it is bound to; null: every plan of the city")
    user_id: UUID = Field(description="Id of the user")
    since: date = Field(description="The first day")
    until: date | None = Field(description="The last day; null: none is known")


class UserOut(BaseModel):
    """A user; of one who was erased the id and the posts are left."""

    id: UUID = Field(description="Its id, for good")
    username: str | None = Field(description="What they sign in by; null: erased")
    name: str | None = Field(description="What they are called at work; null: erased")
    state: _State = Field(
        description="`invited`: no password is set; `active`; `ended`: has left; `erased`"
    )
    second_factor: bool = Field(description="Whether a code is needed beside the password")
    locked_until: datetime | None = Field(
        description="After six wrong attempts; null: not locked, or it is over"
    )
    created_at: datetime = Field(description="When the user was entered")
    last_sign_in_at: datetime | None = Field(description="When a session was begun last")
    ended_at: datetime | None = Field(description="When the user left")
    providers: list[str] = Field(
        description="Codes of the providers that the user signs in by, beside the password"
    )
    posts: list[TenureOut] = Field(
        description="Posts that the user holds, held and will hold, the latest first; at most 100"
    )


class UserInvitedOut(UserOut):
    """A user with an invitation, which is shown this once."""

    invitation: str | None = Field(
        description="Sets the password within three days; null where the answer is repeated"
    )


class UserListOut(BaseModel):
    """A page of users."""

    items: list[UserOut] = Field(description="At most `page_size`, the oldest entry first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class PostOut(BaseModel):
    """A post, and who holds it."""

    id: UUID = Field(description="Its id, for good")
    title: str = Field(description="What it is called")
    role: _Role = Field(description="What its holder may do")
    organization_code: str | None = Field(description="Of which unit; null: of none")
    plan: str | None = Field(description="The plan it is bound to; null: every plan of the city")
    created_at: datetime = Field(description="When it was made")
    holders: list[TenureOut] = Field(
        description="Who holds it, held it and will hold it, the latest first; at most 100"
    )


class PostListOut(BaseModel):
    """A page of posts."""

    items: list[PostOut] = Field(description="At most `page_size`, the oldest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def tenure_out(held: HeldPost) -> TenureOut:
    """Return a tenure: a person's time in a post."""
    return TenureOut(
        post_id=held.post.id,
        title=held.post.title,
        role=held.post.role,
        organization_code=held.post.organization_code,
        plan=held.post.plan_code,
        user_id=held.tenure.person_id,
        since=held.tenure.since,
        until=held.tenure.until,
    )


@dataclass(frozen=True, slots=True)
class OfUser:
    """What belongs to a user and stands elsewhere: posts, and providers by their codes."""

    posts: Sequence[HeldPost] = ()
    providers: Sequence[str] = ()


def user_out(person: Person, more: OfUser, now: datetime) -> UserOut:
    """Return a user, with their posts."""
    return UserOut(**_user_fields(person, more, now))


def user_invited_out(
    person: Person, more: OfUser, now: datetime, invitation: str | None
) -> UserInvitedOut:
    """Return a user with an invitation."""
    return UserInvitedOut(**_user_fields(person, more, now), invitation=invitation)


def _user_fields(person: Person, more: OfUser, now: datetime) -> dict[str, Any]:
    locked = person.locked_until
    return {
        "id": person.id,
        "username": person.username,
        "name": person.name,
        "state": _state(person),
        "second_factor": person.totp_sealed is not None,
        "locked_until": locked if locked is not None and locked > now else None,
        "created_at": person.created_at,
        "last_sign_in_at": person.last_sign_in_at,
        "ended_at": person.ended_at,
        "providers": list(more.providers),
        "posts": [tenure_out(one) for one in more.posts],
    }


def _state(person: Person) -> str:
    if person.erased_at is not None:
        return "erased"
    if person.ended_at is not None:
        return "ended"
    return "invited" if person.password_hash is None else "active"


def post_out(post: StaffPost, held: Sequence[HeldPost]) -> PostOut:
    """Return a post, with its holders."""
    return PostOut(
        id=post.id,
        title=post.title,
        role=post.role,
        organization_code=post.organization_code,
        plan=post.plan_code,
        created_at=post.created_at,
        holders=[tenure_out(one) for one in held],
    )
