"""Why a verb is used, as callers say it: with a reason, or with a remark if there is one."""

from pydantic import Field

from services.core.kit.said import LongWords, Said, Words


class ReasonIn(Said):
    """Why; the unit reads it."""

    reason: Words = Field(description="In a sentence or two")


class RemarkIn(Said):
    """A remark, if there is one."""

    reason: LongWords | None = Field(default=None, description="In a sentence or two")
