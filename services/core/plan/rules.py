"""Validates a plan document: its shape, and its parts against each other.

Reads and refuses, with every fault at once. `plan.document_faults` cross-checks the parts;
`plan.service` stores a document.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from services.core.kit.faults import faults_of, pointer
from services.core.plan.document import PlanDocument
from services.core.plan.document_faults import cross_check
from services.core.plan.errors import InvalidPlan

_STAND_INS = ("unreadable", "000000", "000000-0", "2000-01-01", 2000, 1)
"""Values of which one fits the shape of any member."""


def read_document(data: object) -> PlanDocument:
    """Validate and return the plan document in `data` (parsed JSON or YAML).

    Raises:
        InvalidPlan: it has faults of shape or contradictions; all of them are listed.
    """
    try:
        document = PlanDocument.model_validate(data)
    except ValidationError as refusal:
        errors = [error for error in refusal.errors(include_url=False) if not _echoes(error)]
        raise _refusal(data, errors) from None
    faults = cross_check(document)
    if faults:
        raise InvalidPlan(faults=faults)
    return document


def _refusal(data: object, errors: Sequence[ErrorDetails]) -> InvalidPlan:
    # Cross-check even if the shape has faults; otherwise the author of a long document would learn
    # of contradictions only in a second round.
    faults = faults_of(errors)
    mended = _mended(data, errors)
    if mended is not None:
        faults += cross_check(mended, _Unreadable(errors))
    return InvalidPlan(faults=faults)


def _echoes(error: ErrorDetails) -> bool:
    """Return whether a list is reported as too short only because its entries have faults."""
    if error["type"] != "too_short" or not isinstance(error["input"], list | tuple):
        return False
    return bool(len(error["input"]) >= error["ctx"]["min_length"])


class _Unreadable:
    """The places of a document without a readable value; called with a JSON pointer."""

    def __init__(self, errors: Iterable[ErrorDetails]) -> None:
        self._places = {
            pointer(error["loc"]) for error in errors if error["type"] != "extra_forbidden"
        }
        self._above = {above for place in self._places for above in _upwards(place)}

    def __call__(self, place: str) -> bool:
        """Return whether the value at `place`, or a part of it, could not be read."""
        return place in self._above or any(above in self._places for above in _upwards(place))


def _upwards(place: str) -> Iterable[str]:
    """Yield a pointer and the pointers of all its ancestors."""
    while place:
        yield place
        place = place.rpartition("/")[0]


def _mended(data: object, errors: Iterable[ErrorDetails]) -> PlanDocument | None:
    """Return the document with a stand-in at each place that has a fault of shape.

    So the readable parts are cross-checked as if the rest were valid. None if too little is left.
    """
    copy = _copied(data)
    if not isinstance(copy, dict):
        return None
    for error in errors:
        # A place inside another one that was already mended no longer exists, and needs no mending.
        with suppress(LookupError, TypeError, AttributeError):
            _mend(copy, error["loc"])
    try:
        return PlanDocument.model_validate(copy)
    except ValidationError:
        return None


def _copied(value: object) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(member) for member in value]
    return value


def _mend(node: Any, location: tuple[str | int, ...]) -> None:
    owner: type[BaseModel] = PlanDocument
    model, field = owner, ""
    for part in location[:-1]:
        node = node[part]
        if isinstance(part, str):
            owner, field = model, part
            model = _model_in(owner.model_fields[field].annotation) or owner
    last = location[-1]
    if isinstance(last, int):
        node[last] = _copied(_stand_in_for_item(owner, field))
    elif last in model.model_fields and model.model_fields[last].is_required():
        node[last] = _copied(_stand_in_for_member(model, last))
    else:
        del node[last]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in a member's annotation: direct, optional, or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)


@cache
def _stand_in_for_member(model: type[BaseModel], name: str) -> object:
    field = model.model_fields[name]
    annotation: Any = field.annotation
    for constraint in field.metadata:
        annotation = Annotated[annotation, constraint]
    return _stand_in(annotation)


@cache
def _stand_in_for_item(model: type[BaseModel], name: str) -> object:
    return _stand_in(_item_of(model.model_fields[name].annotation))


def _item_of(annotation: Any) -> Any:
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return _item_of(get_args(annotation)[0])
    return get_args(annotation)[0]


def _stand_in(annotation: Any) -> object:
    """Return a value of the shape that `annotation` requires."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {
            name: _stand_in_for_member(annotation, name)
            for name, field in annotation.model_fields.items()
            if field.is_required()
        }
    if get_origin(annotation) is Annotated:
        plain = get_args(annotation)[0]
        if get_origin(plain) in {tuple, Annotated}:
            return _stand_in(plain)
    if get_origin(annotation) is tuple:
        return [_stand_in(get_args(annotation)[0])]
    if get_origin(annotation) is Literal:
        return get_args(annotation)[0]
    return _first_fitting(annotation)


def _first_fitting(annotation: Any) -> object:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    for value in _STAND_INS:
        with suppress(ValidationError):
            adapter.validate_python(value)
            return value
    return None
