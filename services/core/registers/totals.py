"""What a register of totals refuses: whatever could name a person. Pure."""

import re
from dataclasses import replace

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.register_entries import Register, RegisterColumn

_PERSON_NUMBER = re.compile(r"[0-9](?:[ -]?[0-9]){10}")
"""Eleven digits in a row, as the shortest number of a telephone or an identity card has."""

_COUNTS = Text(
    "应为合计数（整数）：本台账不收姓名、证件号码、电话和案号",
    "Must be a count, a whole number: this register takes no names and no numbers of persons, cases"
    " or telephones",
)
_NO_NUMBER = Text(
    "理由中不得写证件号码、电话：本台账只登记合计数",
    "A reason here holds no number of a person or a telephone: the register is of totals",
)

_NO_NUMBER_IN_NAME = Text(
    "文件名中不得写证件号码、电话：本台账只登记合计数",
    "The name of a file here holds no number of a person or a telephone: the register is of totals",
)


def reason_faults(register: Register, reason: str | None) -> list[Fault]:
    """Return what is wrong with the reason for a change: of totals it holds no person's number."""
    if not register.aggregates or reason is None or not _PERSON_NUMBER.search(reason):
        return []
    return [Fault("/reason", "counts-only", _NO_NUMBER)]


def file_name_faults(register: Register, name: str) -> list[Fault]:
    """Return what is wrong with the name of a file: of totals it holds no person's number."""
    if not register.aggregates or not _PERSON_NUMBER.search(name):
        return []
    return [Fault("/query/file_name", "counts-only", _NO_NUMBER_IN_NAME)]


def untold(fault: Fault, column: RegisterColumn) -> Fault:
    """Return a fault of a register of totals, without what was written: it may name a person."""
    if column.type == "integer" and fault.code in {"int-type", "less-than-equal"}:
        return Fault(fault.pointer, "counts-only", _COUNTS)
    return replace(fault, value=None)
