"""Bodies that fail validation, kept so that all their faults can be reported together."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import ErrorDetails

from services.core.kit.said import trimmed


class DeferredFaults:
    """A body that fails validation; its valid members can still be checked."""

    def __init__(self, errors: list[ErrorDetails], members: Mapping[str, Any]) -> None:
        self.errors = errors
        self.members = members


def keep_faults(raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return the body, or its faults, to be reported together with faults of reference.

    A body that could not be parsed is passed in as its faults.
    """
    if isinstance(raw, DeferredFaults):
        return raw
    if not isinstance(raw, dict):
        return handler(raw)
    try:
        return handler(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        wrong = {str(one["loc"][0]) for one in errors if one["loc"]}
        return DeferredFaults(
            errors, {name: _heard(raw[name]) for name in raw if name not in wrong}
        )


def _heard(value: Any) -> Any:
    return trimmed(value) if isinstance(value, str) else value
