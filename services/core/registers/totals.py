"""What a register of totals refuses: anything that could identify a person. Pure."""

import re
from dataclasses import replace
from unicodedata import normalize

from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.plan.register_entries import Register, RegisterColumn

_PERSON_NUMBER = re.compile(r"[0-9](?:[ ._-]?[0-9]){10}")
"""Eleven digits in a row: the length of the shortest telephone or identity card number."""

_BEGUN = r"(?<![0-9])(?<![0-9][ ._-])"
_WRITTEN_DAY = r"(?:19|20)[0-9]{2}(?:[._-][0-9]{1,2}){2}"
_SPAN = re.compile(rf"{_BEGUN}{_WRITTEN_DAY}[ _-]{_WRITTEN_DAY}(?![0-9])")
"""A span of two days, each with separators: 2025.1.1-2025.6.30."""

_SECOND = re.compile(
    _BEGUN + r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[ _-]?"
    r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9]){2}(?![0-9])"
)
"""A file's time of creation, as scanners name it: 20251130104859, 20251130_104859."""

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
    """Return the faults of the reason for a change: for totals, a person's number in it."""
    if not register.aggregates or reason is None or not _names_a_person(reason):
        return []
    return [Fault("/reason", "counts-only", _NO_NUMBER)]


def file_name_faults(register: Register, name: str) -> list[Fault]:
    """Return the faults of a file name: for totals it must contain no person's number.

    A time of creation (20251130104859) is allowed.
    """
    if not register.aggregates or not _names_a_person(_SECOND.sub("/", normalize("NFKC", name))):
        return []
    return [Fault("/query/file_name", "counts-only", _NO_NUMBER_IN_NAME)]


def _names_a_person(text: str) -> bool:
    # Full-width digits and signs count like the others.
    return _PERSON_NUMBER.search(_SPAN.sub("/", normalize("NFKC", text))) is not None


def untold(fault: Fault, column: RegisterColumn) -> Fault:
    """Return a fault of a register of totals, without the value, which may name a person."""
    if column.type == "integer" and fault.code in {"int-type", "less-than-equal"}:
        return Fault(fault.pointer, "counts-only", _COUNTS)
    return replace(fault, value=None)
