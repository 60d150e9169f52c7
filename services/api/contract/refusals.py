"""The schema of a refusal, and the refusals that a route declares.

A route lists those that its own rules cause. Those that follow from its shape alone (a
credential, a body, parameters) are added to every operation by `contract.shape`.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MEDIA_TYPE = "application/problem+json"

MEANINGS: Mapping[int, str] = {
    400: "The request cannot be read: its address, its body or its page token.",
    401: "There is no valid credential.",
    403: "The caller is known and not permitted to do this.",
    404: "There is no such thing within the caller's scope.",
    409: "The present state does not allow it; `allowed_actions` lists what it allows.",
    410: "What was asked for is kept no more, or the log ends before it; `oldest_position` says"
    " from where on there is.",
    412: "It changed since the caller read it; `current` is what it is now.",
    413: "The body is longer than 8 MiB.",
    415: "The body is of a media type, or a content coding, that this path does not take.",
    422: "The input has faults; `errors` lists every one with its place.",
    428: "`If-Match` is required: a change names the version that it is based on.",
    429: "Too many requests in a minute, or at once; go on after `Retry-After` seconds.",
    503: "The database does not answer or cannot write now, or another change holds what this one"
    " needs; send the request again.",
}

NAMES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "BodyTooLarge",
    415: "UnsupportedMediaType",
    422: "InvalidInput",
    428: "PreconditionRequired",
    429: "TooManyRequests",
    503: "Unavailable",
}
"""Names of the response components."""


class FaultOut(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the body; `/query/…`, `/path/…` and `/header/…`"
        " point at parameters; empty: the body as a whole"
    )
    code: str = Field(description="Stable, English, kebab-case, such as `unknown-indicator`")
    detail: str = Field(description="What is wrong, in the language of the answer")
    value: Any = Field(description="What was sent, if it is short and plain; null otherwise")


class StoodOut(BaseModel):
    """A submission at one of its versions; the ETag is made of both."""

    id: UUID = Field(description="Its id")
    version: int = Field(description="Its version")


class MovedRowOut(BaseModel):
    """A row in whose place another submission stands since the preview, or another version."""

    index: int | None = Field(description="Which row, from 0; null: a `replace` comes upon it")
    before: StoodOut | None = Field(description="What stood there; null: nothing")
    after: StoodOut | None = Field(description="What stands there now; null: nothing")


class MovedPeriodOut(BaseModel):
    """A period that is in another state since the preview."""

    period: str = Field(description="Its code")
    before: str = Field(description="Its state then")
    after: str = Field(description="Its state now")


class MovedVersionOut(BaseModel):
    """The versions of a plan."""

    before: int = Field(description="The one that was in force")
    after: int = Field(description="The one that is")


class MovedOut(BaseModel):
    """What a preview was decided on and is another now."""

    plan_version: MovedVersionOut | None = Field(description="Null: the plan is the same")
    periods: list[MovedPeriodOut] = Field(description="Those in another state")
    items: list[MovedRowOut] = Field(description="The rows in whose place something moved")
    figures: int = Field(
        description="How many figures that checks compare with the rows are others now"
    )


class ProblemOut(BaseModel):
    """A refusal as RFC 9457 describes it.

    `title` and `detail` follow `Accept-Language` (`zh-CN`, the default, or `en`). The members
    that are not required belong to some codes only. More may be added.
    """

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:wufei:problem:` and the code")
    title: str = Field(description="The sort of refusal, for people")
    status: int = Field(description="The HTTP status, once more")
    detail: str = Field(description="What stood in the way this time, for people")
    instance: str = Field(description="`urn:wufei:request:` and the request's id")
    code: str = Field(
        description="Stable, English, kebab-case: what programs decide by; all are listed under"
        " `x-problem-codes`"
    )
    errors: list[FaultOut] = Field(
        description="Every fault of the input, up to a thousand; empty for other refusals"
    )
    more_errors: int = Field(default=0, description="How many faults there are beyond those")
    allowed_actions: list[str] = Field(
        default=[], description="409: what the present state allows this caller"
    )
    state: str = Field(default="", description="409: the present state")
    period: str = Field(default="", description="`period-closed`: the period")
    submission_id: str = Field(default="", description="`submission-exists`: the one there is")
    oldest_position: int = Field(default=0, description="410: the oldest event there still is")
    newest_position: int = Field(
        default=0, description="`position-beyond-log`: the newest there is; copy the lists anew"
    )
    extension_id: str = Field(default="", description="`extension-waiting`: the one that waits")
    current: Any = Field(default=None, description="412: the current representation")
    moved: MovedOut | None = Field(
        default=None, description="`preview-outdated`: what is another since the preview"
    )
    rejected: int = Field(default=0, description="`batch-rejected`: how many rows have faults")
    skipped: int = Field(default=0, description="`batch-rejected`: how many have none")
    items: list[dict[str, Any]] = Field(
        default=[], description="`batch-rejected`: row by row, as the answer of a batch has them"
    )


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route that may refuse with these statuses."""
    return {status: {"$ref": f"#/components/responses/{NAMES[status]}"} for status in statuses}
