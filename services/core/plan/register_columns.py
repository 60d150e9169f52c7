"""Look-up of a plan's registers and their columns by code. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument
from services.core.plan.register_entries import Register, RegisterColumn


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a register whose codes could be read.

    `codes` are incomplete if one could not: then an unknown code is no fault.
    """

    codes: Codes
    by_code: Mapping[str, tuple[str, RegisterColumn]]

    def find(self, code: str | None) -> tuple[str, RegisterColumn] | None:
        """Return the pointer of a column and the column; None: the register has no such column."""
        return None if code is None else self.by_code.get(code)


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers of a plan whose codes could be read, and the columns of each."""

    codes: Codes
    columns: Mapping[str, Columns]


def columns_of(place: str, register: Register, faults: Faults) -> Columns:
    """Return the columns of the register at `place`."""
    named = [(f"{place}/columns/{at}", one) for at, one in enumerate(register.columns)]
    readable = {
        one.code: (where, one)
        for where, one in reversed(named)
        if not faults.unreadable(f"{where}/code")
    }
    whole = all(not faults.unreadable(f"{where}/code") for where, _ in named)
    lost = not named and faults.unreadable(f"{place}/columns")
    names = {one.name: code for code, (_, one) in readable.items()}
    codes = Codes("column", frozenset(readable), complete=whole and not lost, names=names)
    return Columns(codes, readable)


def registers_of(document: PlanDocument, codes: Codes, faults: Faults) -> Registers:
    """Return the readable registers of a document; `codes` are all register codes."""
    columns = {
        one.code: columns_of(f"/registers/{at}", one, faults)
        for at, one in enumerate(document.registers)
        if one.code in codes.known
    }
    return Registers(codes, columns)
