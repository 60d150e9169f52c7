"""Registers of a plan, and what is faulty in them."""

from typing import Any

from services.core.plan.errors import InvalidPlan
from services.core.plan.rules import read_document
from tests.support.api import xinmi

DAY = {"code": "day", "name": "日", "type": "date"}
NAME = {"code": "name", "name": "名", "type": "text", "required": True}
AMOUNT = {"code": "amount", "name": "量", "type": "decimal"}
KIND = {"code": "kind", "name": "类", "type": "choice", "choices": [{"code": "a", "name": "甲"}]}
COLUMNS = [NAME, AMOUNT, DAY, KIND]


def a_register(**changes: Any) -> dict[str, Any]:
    return {"code": "T", "name": "试", "columns": COLUMNS, "key": ["name"], **changes}


def a_measure(**changes: Any) -> dict[str, Any]:
    return {"code": "m", "name": "数", "kind": "count", **changes}


def faults(*registers: dict[str, Any]) -> list[tuple[str, str]]:
    document = xinmi().model_dump(mode="json", exclude_none=True)
    try:
        read_document({**document, "registers": list(registers)})
    except InvalidPlan as error:
        return [(one.pointer.removeprefix("/registers/"), one.code) for one in error.faults]
    return []
