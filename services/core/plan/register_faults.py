"""Validates the registers of a plan, by themselves and against its other parts. Pure."""

from collections.abc import Mapping

from services.core.kit.decimals import plain
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.condition_faults import check_conditions
from services.core.plan.document import PlanDocument
from services.core.plan.register_columns import Columns, columns_of
from services.core.plan.register_entries import ColumnType, Register, RegisterColumn, RowEvidence

_NUMBERS: frozenset[ColumnType] = frozenset({"decimal", "integer"})


def check_registers(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    """Add the faults of the registers of a document."""
    for at, register in enumerate(document.registers):
        _check_register(f"/registers/{at}", register, codes["organization"], faults)


def _check_register(place: str, register: Register, organizations: Codes, faults: Faults) -> None:
    faults.add_unknown_among(f"{place}/keepers", register.keepers, organizations)
    faults.add_unknown_among(f"{place}/leads", register.leads, organizations)
    faults.add_repeats(
        "repeated-reference", [(f"{place}/ends/{at}", one) for at, one in enumerate(register.ends)]
    )
    for at, column in enumerate(register.columns):
        _check_column(f"{place}/columns/{at}", column, faults)
    listed = [(f"{place}/columns/{at}/code", one.code) for at, one in enumerate(register.columns)]
    faults.add_repeats("duplicate-code", listed)
    columns = columns_of(place, register, faults)
    for at, column in enumerate(register.columns):
        here = f"{place}/columns/{at}/required_where"
        check_conditions(here, column.required_where, columns, faults)
    faults.add_unknown_among(f"{place}/key", register.key, columns.codes)
    for at, code in enumerate(register.key):
        found = columns.find(code)
        if found is not None and not found[1].required:
            where = f"{found[0]}/required"
            faults.add("key-not-required", f"{place}/key/{at}", code, [where])
    for member in ("valid_from", "valid_to"):
        check_day(f"{place}/{member}", getattr(register, member), columns, faults)
    _check_dates(place, register, columns, faults)
    for at, rule in enumerate(register.evidence):
        here = f"{place}/evidence/{at}"
        check_conditions(f"{here}/where", rule.where, columns, faults)
        _check_evidence(here, rule, place, register, faults)


def _check_dates(place: str, register: Register, columns: Columns, faults: Faults) -> None:
    """Add a fault if no row can ever get a day of renewal or of recheck."""
    check_day(f"{place}/recheck", register.recheck, columns, faults)
    faults.add_unknown(f"{place}/title", register.title, columns.codes)
    if register.recheck is not None and register.cycle is None:
        faults.add("cycle-required", f"{place}/cycle", None, [f"{place}/recheck"])
    if register.renewal is not None:
        faults.add_unknown(f"{place}/renewal/same", register.renewal.same, columns.codes)
        if register.valid_to is None:
            faults.add("renewal-without-end", f"{place}/renewal", None, [f"{place}/valid_to"])


def _check_evidence(
    here: str, rule: RowEvidence, place: str, register: Register, faults: Faults
) -> None:
    """Add a fault if no verb ever brings a row into the state that requires the evidence."""
    if rule.state == "confirmed" and not register.review:
        rests_on = [f"{place}/review"]
        faults.add("evidence-without-review", f"{here}/state", rule.state, rests_on)
    if rule.state != "confirmed" and rule.state not in register.ends:
        faults.add("evidence-of-no-end", f"{here}/state", rule.state, [f"{place}/ends"])


def check_day(
    place: str, code: str | None, columns: Columns, faults: Faults, *, months: bool = False
) -> None:
    """Add a fault if the code at `place` is no column of days (or, with `months`, of months)."""
    faults.add_unknown(place, code, columns.codes)
    found = columns.find(code)
    if found is None or found[1].type == "date" or (months and found[1].type == "month"):
        return
    faults.add("not-a-day-or-month" if months else "not-a-day", place, code, [f"{found[0]}/type"])


def _check_column(place: str, column: RegisterColumn, faults: Faults) -> None:
    rests_on = [f"{place}/type"]
    choices = [(f"{place}/choices/{at}/code", one.code) for at, one in enumerate(column.choices)]
    faults.add_repeats("duplicate-code", choices)
    if column.type == "choice" and not column.choices:
        faults.add("choices-required", f"{place}/choices", None, rests_on)
    if column.type != "choice" and column.choices:
        faults.add("choices-not-expected", f"{place}/choices", None, rests_on)
    for member in ("minimum", "maximum"):
        bound = getattr(column, member)
        if bound is not None and column.type not in _NUMBERS:
            faults.add("bound-of-no-number", f"{place}/{member}", plain(bound), rests_on)
    least, most = column.minimum, column.maximum
    if least is not None and most is not None and most < least:
        faults.add("range-order", f"{place}/maximum", plain(most), [f"{place}/minimum"])
    if column.check is not None and column.type != "text":
        faults.add("check-of-no-text", f"{place}/check", column.check, rests_on)
