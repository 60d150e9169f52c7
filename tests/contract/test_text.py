"""Blank text is never an answer: every text member of every body, and of the plan's own format."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.api.milestones.schemas import CheckedMilestone
from services.core.alerts.rule_set import RuleSet
from services.core.kit.faults import faults_of
from services.core.kit.said import Said, trimmed
from services.core.plan.document import PlanDocument
from tests.support.contract import contract_app

BLANKS = ("", " ", "\u3000", "\u200b", "\ufeff", " \t\u3000\u200b\ufeff\r\n")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is made of, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in get_args(annotation):
        yield from models_in(part)


def bodies() -> Iterator[type[BaseModel]]:
    for route in contract_app().routes:
        if isinstance(route, APIRoute):
            for parameter in route.dependant.body_params:
                yield from models_in(parameter.field_info.annotation)
    yield from models_in(PlanDocument)
    yield from models_in(RuleSet)


MODELS = sorted(set(bodies()), key=lambda model: f"{model.__module__}.{model.__name__}")


def is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return is_text(get_args(annotation)[0])
    return annotation is str or any(is_text(one) for one in get_args(annotation) if _alone(one))


def _alone(part: Any) -> bool:
    """Return whether a part of a type is a choice of it, not what a list or object holds."""
    return get_origin(part) not in {list, tuple, dict}


TEXTS = [
    pytest.param(model, name, id=f"{model.__name__}.{name}")
    for model in MODELS
    for name, field in model.model_fields.items()
    if get_origin(field.annotation) not in {list, tuple, dict} and is_text(field.annotation)
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_whatever_comes_in_is_trimmed_by_the_one_base(model: type[BaseModel]) -> None:
    assert issubclass(model, Said)
    assert model.model_config["extra"] == "forbid"


def test_there_are_texts_to_try() -> None:
    assert len(TEXTS) > 80


@pytest.mark.parametrize(("model", "name"), TEXTS)
def test_a_blank_is_null_where_that_may_be_and_is_to_be_filled_in_elsewhere(
    model: type[BaseModel], name: str
) -> None:
    field = model.model_fields[name]
    optional = type(None) in get_args(field.annotation)
    for blank in BLANKS:
        told, heard = _said(model, {name: blank}, name)
        assert ("请填写" in told) is not (optional and heard), (blank, told)


def _said(model: type[BaseModel], body: dict[str, Any], name: str) -> tuple[set[str], bool]:
    """Return what is told of a member, and whether it was taken for null."""
    try:
        TypeAdapter(model).validate_python(body)
    except ValidationError as error:
        wrong = [one for one in error.errors() if one["loc"][:1] == (name,)]
        return {fault.detail.zh for fault in faults_of(wrong)}, not wrong
    return set(), True


def test_text_is_trimmed_at_both_ends_and_kept_within() -> None:
    assert trimmed("\ufeff\u200b 甲 乙\u3000丙\u3000\n") == "甲 乙\u3000丙"


def test_a_faulty_body_keeps_what_is_right_of_it_trimmed() -> None:
    body = {"measure_code": " 14.1 ", "title": 5}
    faulty: Any = TypeAdapter(CheckedMilestone).validate_python(body)
    assert faulty.members == {"measure_code": "14.1"}
