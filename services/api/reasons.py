"""Request bodies of verbs: with a required reason, or with an optional remark."""

from pydantic import Field

from services.core.kit.said import LongWords, Said, Words


class ReasonIn(Said):
    """Why; the unit reads it."""

    reason: Words = Field(description="In a sentence or two")


class RemarkIn(Said):
    """A remark, if there is one."""

    reason: LongWords | None = Field(default=None, description="In a sentence or two")
