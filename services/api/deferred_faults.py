"""Bodies that fail validation, kept so that all their faults can be reported together."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import ErrorDetails

from services.core.kit.said import trimmed


class DeferredFaults:
    """A body whose shape has faults; the members that are right can still be checked."""

    def __init__(self, errors: list[ErrorDetails], members: Mapping[str, Any]) -> None:
        self.errors = errors
        self.members = members


def keep_faults(raw: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return the body, or its faults, so that those of reference are told with those of shape.

    What could not be read at all comes as its faults already.
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
