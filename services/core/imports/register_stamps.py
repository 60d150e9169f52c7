"""Checks that a register's form is sent for the register and the unit that it was made for. Pure.

Rows of a form name no unit, so a form made for another unit would be written as the sender's. A
sheet without a stamp, such as one that a clerk drew up, belongs to the unit that the caller names.
"""

from collections.abc import Mapping
from itertools import islice

from services.core.identity.actor import Actor
from services.core.imports.sheet_forms import STAMP_SHEET
from services.core.imports.stamps import FORMAT, NAMES, OF_REGISTER, SheetStamp, read_stamp
from services.core.kit.errors import Fault
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.text import Text
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.registers.rules import keeps
from services.core.sheets.errors import SheetRefused
from services.core.sheets.sheet_file import SheetFile

_MOST_OF_STAMP = 20

_BROKEN = Text(
    "台账表的签名无效，表已被改动或不是本系统签发：请重新下载 {fresh}",
    "The form's signature is broken: it was changed, or is none of ours. Take a fresh one: {fresh}",
)
_OTHER_PLAN = Text(
    "台账表属于另一个计划：请重新下载 {fresh}", "The form is of another plan. Take one: {fresh}"
)
_OTHER_REGISTER = Text(
    "台账表属于台账 {held}：请发往该台账，或重新下载 {fresh}",
    "The form is of the register {held}: send it there, or take a fresh one of this: {fresh}",
)
_OTHER_UNIT = Text(
    "台账表属于单位 {held}，不是您所填报的单位：请重新下载 {fresh}",
    "The form is of the unit {held}, and you report for another. Take a fresh one: {fresh}",
)


def stamp_members(file: SheetFile) -> Mapping[str, str]:
    """Return the members of a file's stamp by name; empty where it has none."""
    entry = file.sheet_named(STAMP_SHEET)
    said: dict[str, str] = {}
    if entry is not None:
        for row in islice(file.table(entry).rows(), _MOST_OF_STAMP):
            name, value = row.cells.get(1), row.cells.get(2)
            if name is not None:
                said[name.text] = "" if value is None else value.text
    return said if said.keys() & set(NAMES) else {}


def register_stamp(register: Register, plan: PlanState, unit: str) -> SheetStamp:
    """Return the stamp of a register's form that is made now for a unit."""
    return SheetStamp(
        format=FORMAT,
        form=OF_REGISTER,
        city_code=plan.city_code,
        plan=plan.code,
        version=str(plan.version),
        period="",
        organization_code=unit,
        register=register.code,
    )


def fresh_register_form(plan: PlanState, register: Register, unit: str) -> str:
    """Return the API path of a fresh form of a register."""
    path = f"/v1/plans/{plan.code}/registers/{register.code}/form.xlsx"
    return f"{path}?organization_code={unit}" if unit else path


def stamped_for(
    file: SheetFile,
    register: Register,
    *,
    plan: PlanState,
    actor: Actor,
    unit: str | None,
    seal: Seal | None,
) -> SheetStamp | None:
    """Return the stamp of a file that is sent to a register; None: it has none.

    `unit` is the unit named with the file. A form of any age is accepted: only its edited cells
    count.

    Raises:
        SheetRefused: it was made for another plan, register or unit, or its signature is invalid.
        SecretKeyNotSet: no signature can be verified here.
    """
    said = stamp_members(file)
    if not said:
        return None
    if seal is None:
        raise SecretKeyNotSet
    stamp = read_stamp({**dict.fromkeys(NAMES, ""), **said}, seal)
    if stamp is None:
        fresh = fresh_register_form(plan, register, unit or actor.organization_code or "")
        raise SheetRefused(faults=[Fault("", "stamp-broken", _BROKEN.format(fresh=fresh), fresh)])
    if faults := _faults(stamp, register, plan, actor, unit):
        raise SheetRefused(faults=faults)
    return stamp


def _faults(
    stamp: SheetStamp, register: Register, plan: PlanState, actor: Actor, unit: str | None
) -> list[Fault]:
    held = stamp.organization_code
    wanted = unit or held
    if wanted == held and not keeps(actor, register, held):
        wanted = actor.organization_code or held
    fresh = fresh_register_form(plan, register, wanted)
    faults = []
    if (stamp.city_code, stamp.plan) != (plan.city_code, plan.code):
        faults.append(Fault("", "sheet-of-another-plan", _OTHER_PLAN.format(fresh=fresh), fresh))
    elif stamp.register != register.code:
        words = _OTHER_REGISTER.format(held=stamp.register or "—", fresh=fresh)
        faults.append(Fault("", "sheet-of-another-register", words, fresh))
    if wanted != held:
        words = _OTHER_UNIT.format(held=held, fresh=fresh)
        faults.append(Fault("", "sheet-of-another-unit", words, fresh))
    return faults
