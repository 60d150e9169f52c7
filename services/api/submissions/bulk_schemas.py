"""Pydantic schemas of one verb on many submissions."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, WrapValidator

from services.api.answers import strong_tags
from services.api.contract.refusals import ProblemOut
from services.api.deferred_faults import keep_faults
from services.api.problems import problem_of
from services.api.submissions.schemas import submission_etag
from services.core.kit.errors import DomainError
from services.core.kit.said import LongWords, Said, Words
from services.core.kit.text import Language
from services.core.submissions.bulk import MOST_AT_ONCE, WishOutcome
from services.core.submissions.rules import SubmissionState

_Tags = Annotated[str, StringConstraints(max_length=500), AfterValidator(strong_tags)]
_Based = Annotated[
    _Tags | None,
    Field(
        description="As the header `If-Match` of the single verb: the `etag` that this is based on,"
        " or `*`; a stale one is 412",
    ),
]


class BulkItemIn(Said):
    """A submission that the verb is asked for, with a remark if there is one."""

    id: UUID = Field(description="Id of the submission")
    if_match: _Based = None
    reason: LongWords | None = Field(default=None, description="In a sentence or two")


class BulkReasonItemIn(Said):
    """A submission that the verb is asked for, and why; its unit reads it."""

    id: UUID = Field(description="Id of the submission")
    if_match: _Based = None
    reason: Words = Field(description="In a sentence or two")


_ITEMS = Field(
    min_length=1,
    max_length=MOST_AT_ONCE,
    description="Each stands for itself; one that is given twice is refused wherever it stands",
)


class BulkIn(Said):
    """Up to 1,000 submissions for one verb."""

    items: list[Annotated[BulkItemIn, WrapValidator(keep_faults)]] = _ITEMS


class BulkReasonIn(Said):
    """Up to 1,000 submissions for one verb that asks for a reason."""

    items: list[Annotated[BulkReasonItemIn, WrapValidator(keep_faults)]] = _ITEMS


class BulkResultOut(BaseModel):
    """What became of one submission: as the single verb would have answered."""

    index: int = Field(description="Which item, from 0")
    id: UUID | None = Field(description="Of the submission; null: the item names none")
    status: int = Field(description="The HTTP status that the single verb would have answered")
    state: SubmissionState | None = Field(description="Where it stands now; null: it was refused")
    etag: str | None = Field(description="Its ETag now; of what was refused only with 412")
    problem: ProblemOut | None = Field(
        description="Why it was refused, `errors` pointing into the item; null: it was done"
    )


class BulkOut(BaseModel):
    """What became of many submissions, each by itself."""

    done: int = Field(description="For how many the verb was carried out")
    refused: int = Field(description="For how many it was not, and nothing was changed")
    items: list[BulkResultOut] = Field(description="One by one, in the order of the items")


def bulk_report(
    results: Sequence[tuple[UUID | None, WishOutcome]], language: Language, request_id: str
) -> dict[str, Any]:
    """Return the outcome of each item, as `BulkOut` has it."""
    items = [
        {
            "index": index,
            "id": submission_id,
            **(
                _refused(outcome, language, request_id)
                if isinstance(outcome, DomainError)
                else {
                    "status": 200,
                    "state": outcome["state"],
                    "etag": submission_etag(outcome),
                    "problem": None,
                }
            ),
        }
        for index, (submission_id, outcome) in enumerate(results)
    ]
    refused = sum(1 for one in items if one["problem"] is not None)
    return {"done": len(items) - refused, "refused": refused, "items": items}


def _refused(error: DomainError, language: Language, request_id: str) -> dict[str, Any]:
    problem = problem_of(error)
    return {
        "status": problem.status,
        "state": None,
        "etag": problem.headers.get("ETag"),
        "problem": problem.body(language, request_id),
    }
