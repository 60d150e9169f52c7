"""Validates a register's quota against its columns and measures. Pure."""

from collections.abc import Mapping

from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument
from services.core.plan.quota_entries import RowQuota
from services.core.plan.register_columns import columns_of
from services.core.plan.register_entries import Register


def check_quotas(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    """Add the faults of the quotas of a document's registers."""
    for at, register in enumerate(document.registers):
        if register.quota is not None:
            place = f"/registers/{at}"
            _check(place, register, register.quota, codes["organization"], faults)


def _check(
    place: str, register: Register, quota: RowQuota, organizations: Codes, faults: Faults
) -> None:
    here, columns = f"{place}/quota", columns_of(place, register, faults)
    faults.add_unknown(f"{here}/by", quota.by, columns.codes)
    found = columns.find(quota.by)
    if found is not None and found[1].type != "choice":
        faults.add("quota-by-no-choice", f"{here}/by", quota.by, [f"{found[0]}/type"])
    kinds = {one.code: one.kind for one in register.measures}
    if kinds.get(quota.measure) != "count" and not faults.unreadable(f"{place}/measures"):
        faults.add("quota-of-no-count", f"{here}/measure", quota.measure, [f"{place}/measures"])
    if quota.over == "refused" and not register.review:
        faults.add("quota-without-review", f"{here}/over", quota.over, [f"{place}/review"])
    choices = set() if found is None else {one.code for one in found[1].choices}
    seen = set()
    for at, one in enumerate(quota.numbers):
        number, named = f"{here}/numbers/{at}", (one.year, one.choice, one.unit)
        faults.add_unknown(f"{number}/unit", one.unit, organizations)
        if found is not None and found[1].type == "choice" and one.choice not in choices:
            faults.add("unknown-choice", f"{number}/choice", one.choice, [f"{found[0]}/choices"])
        if named in seen:
            faults.add("quota-twice", number, one.choice, [])
        seen.add(named)
